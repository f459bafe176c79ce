/**
 * Gathering: after its own start a controller does not know yet which of its
 * nodes are there, and says of no VM that it fits nowhere before it does.
 *
 * Each node that the last controller counted on comes back, or is given up by
 * the node watch once a full lease is over; then the gathering is over too,
 * for good. So whoever asks for a start while the controller is killed and
 * started again waits a moment, and gets what was asked for.
 *
 * @module
 */
import { planSteps } from "../../core/step.ts";
import type { NodeState } from "../../schema/node.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Records } from "../records/records.ts";

/** Which nodes have not come back yet. */
export class Gathering {
  readonly #missing = new Set<string>();
  readonly #unsubscribe: () => void;
  #news = Promise.withResolvers<void>();

  /** Begins with the nodes as the last controller left them in `records`. */
  constructor(records: Records) {
    for (const { name, state } of records.nodes.values()) {
      if (state === "ready" || state === "silent") this.#missing.add(name);
    }
    this.#unsubscribe = records.subscribe((changes) => {
      for (const { kind, id, value } of changes) {
        const state = value !== null && "state" in value ? value.state : null;
        if (kind === "node") this.#note(id, state as NodeState | null);
      }
    });
    if (this.isOver) this.end();
  }

  /** Whether every node came back or was given up. */
  get isOver(): boolean {
    return this.#missing.size === 0;
  }

  /** Resolves when it is known of one more node, and once it is over. */
  async news(): Promise<void> {
    if (!this.isOver) await this.#news.promise;
  }

  /** Resolves once `operation` may choose a node, if it does; see `untilOver`. */
  async untilChoice(
    { verb }: Operation,
    vm: Vm | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const chooses = planSteps(verb).includes("place") &&
      (verb === "migrate" || vm?.node === null);
    if (chooses) await this.untilOver(signal);
  }

  /** Resolves once it is over; rejects with the signal's reason when that aborts. */
  async untilOver(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const stop = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    try {
      while (!this.isOver) {
        signal.throwIfAborted();
        await Promise.race([this.news(), aborted.promise]);
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Lets nobody wait any more: the controller ends. */
  end(): void {
    this.#missing.clear();
    this.#unsubscribe();
    this.#news.resolve();
  }

  #note(node: string, state: NodeState | null): void {
    if (state === "silent" || !this.#missing.delete(node)) return;
    if (this.isOver) return this.end();
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
