/**
 * The ledger: every operation that was ever accepted, by VM, over all lives of
 * the controller and after its janitor forgot them.
 *
 * @module
 */
import type { Engine } from "../ctrl/engine.ts";
import { isFinal } from "../core/operation_machine.ts";
import type { Operation, Verb } from "../schema/operation.ts";

/** Verbs that take a VM's domain down on the way. */
const STOPPING: ReadonlySet<Verb> = new Set<Verb>([
  "shutdown",
  "poweroff",
  "cycle",
  "reboot",
  "destroy",
  "migrate",
]);

/** What was asked of VMs. */
export class Ledger {
  readonly #byVm = new Map<string, Map<string, Operation>>();
  readonly #open = new Map<string, Operation>();
  /** How many were accepted. */
  count = 0;

  /** Follows the operations of an engine from its start. */
  follow({ records }: Engine): void {
    for (const operation of records.operations.values()) this.#note(operation);
    records.subscribe((changes) => {
      for (const { kind, value } of changes) {
        if (kind === "operation" && value !== null) {
          this.#note(value as Operation);
        }
      }
    });
  }

  /** Operations that have not ended. */
  get open(): readonly Operation[] {
    return [...this.#open.values()];
  }

  /**
   * Whether an operation accounts for the end of a run of `uid`: one that
   * stops, asked after that run began, or the one that began it and was undone.
   */
  accountsFor(uid: string, incarnation: string | null): boolean {
    for (const { id, verb } of this.#byVm.get(uid)?.values() ?? []) {
      if (id === incarnation) return true;
      if (!STOPPING.has(verb)) continue;
      if (incarnation === null || id > incarnation) return true;
    }
    return false;
  }

  #note(operation: Operation): void {
    const { id, uid, state } = operation;
    const its = this.#byVm.get(uid) ?? new Map<string, Operation>();
    this.#byVm.set(uid, its);
    if (!its.has(id)) this.count++;
    its.set(id, operation);
    if (isFinal(state)) this.#open.delete(id);
    else this.#open.set(id, operation);
  }
}
