/**
 * What operations are found by besides their ids: their request, what they are
 * a part of, and whether they have ended.
 *
 * It follows the newest view, also of writes that are not durable yet.
 *
 * @module
 */
import { isFinal } from "../../core/operation_machine.ts";
import type { Operation } from "../../schema/operation.ts";

/** Ids of operations, by what they belong to. */
export class OperationIndex {
  /** Those of a request, in its order. */
  readonly byRequest = new Map<string, string[]>();
  /** Those that a node operation is made of, in their order. */
  readonly byParent = new Map<string, Set<string>>();
  /** Those that have not ended. */
  readonly #open = new Set<string>();

  /** Whether an operation is there and has not ended. */
  isOpen(id: string): boolean {
    return this.#open.has(id);
  }

  /** What an operation is now; null once it is gone. */
  note(id: string, operation: Operation | null): void {
    const isOpen = operation !== null && !isFinal(operation.state);
    if (isOpen) this.#open.add(id);
    else this.#open.delete(id);
  }

  /** An operation is there. */
  add(operation: Operation): void {
    const ids = this.byRequest.get(operation.request) ?? [];
    ids[operation.index] ??= operation.id;
    this.byRequest.set(operation.request, ids);
    if (operation.parent === null) return;
    const children = this.byParent.get(operation.parent);
    if (children === undefined) {
      this.byParent.set(operation.parent, new Set([operation.id]));
    } else children.add(operation.id);
  }

  /** A part that is gone is none any more. */
  unlink(operation: Operation | undefined): void {
    if (operation === undefined || operation.parent === null) return;
    const parts = this.byParent.get(operation.parent);
    parts?.delete(operation.id);
    if (parts?.size === 0) this.byParent.delete(operation.parent);
  }
}
