/**
 * The ledger: every operation that was ever accepted, by VM, over all lives of
 * the controller and after its janitor forgot them.
 *
 * @module
 */
import type { Engine } from "../ctrl/engine.ts";
import { isFinal } from "../core/operation_machine.ts";
import { NODE_LOSS } from "../ctrl/nodes/takeover.ts";
import type { Operation, Verb } from "../schema/operation.ts";

/** Verbs that take a VM's domain down on the way. */
const STOPPING: ReadonlySet<Verb> = new Set<Verb>([
  "shutdown",
  "poweroff",
  "cycle",
  "reboot",
  "destroy",
]);

/**
 * How long after its end an operation may still take effect, in ms: its act
 * may have been on a link that was blocked, or a guest slow to obey.
 */
const AFTER_MS = 6 * 60_000;

/** A run of a VM that has ended. */
export interface EndedRun {
  readonly uid: string;
  /** Where it ran. */
  readonly node: string;
  /** The operation that began it, as far as its driver remembers. */
  readonly incarnation: string | null;
  /** Whether it was being moved to another node, or from there. */
  readonly isMoving: boolean;
  /** Whether it was under way to this end for longer: a guest that obeys late, a copy that nobody needs. */
  readonly isOwed: boolean;
}

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
   * Whether an operation accounts for the end of a run: one that stops, asked
   * after that run began, or the one that began it and was undone; and one
   * that is at work, or was not long before `now` (ms since 1970). A run that
   * another node took over is ended whenever its own node is back.
   */
  accountsFor(run: EndedRun, now: number): boolean {
    const { uid, incarnation, isMoving, isOwed } = run;
    const since = isOwed ? -Infinity : now - AFTER_MS;
    for (const operation of this.#byVm.get(uid)?.values() ?? []) {
      const { id, verb, endedAt, begun } = operation;
      const isNewer = incarnation !== null && id > incarnation;
      // A newer run was begun elsewhere: this one is an older copy.
      const isElsewhere = operation.node !== run.node;
      if (isNewer && isElsewhere && begun.includes("start")) return true;
      const isOlder = incarnation !== null && id > incarnation;
      if (isOlder && isTakeover(operation)) return true;
      if (endedAt !== null && Date.parse(endedAt) < since) continue;
      if (id === incarnation) return true;
      const stops = STOPPING.has(verb) || (isMoving && verb === "migrate");
      if (stops && (incarnation === null || isNewer)) return true;
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

function isTakeover({ trail }: Operation): boolean {
  return trail.some(({ source }) => source === NODE_LOSS);
}
