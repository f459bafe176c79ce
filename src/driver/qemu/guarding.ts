/**
 * Guarding real guests: tells the guard of this node which there are, and the
 * driver what the guard has done to them.
 *
 * @module
 */
import type { Guarding, GuardReport } from "../driver.ts";
import type { Domain } from "./domain.ts";
import { isFrozen } from "../../sys/process_table.ts";
import type { SeenState } from "./domain_state.ts";
import { GuardClient } from "./guard/client.ts";
import type { Held, Target } from "./guard/protocol.ts";
import type { Handle } from "./handle.ts";
import { isCopy } from "./migration/record.ts";

/** What guarding works with. */
export interface GuardingParts {
  readonly runDir: string;
  /** The domains that there are now. */
  domains(): Iterable<Domain>;
  log(message: string, fields: Record<string, unknown>): void;
}

/** The guard of one driver's domains. */
export class QemuGuarding implements Guarding {
  readonly #parts: GuardingParts;
  readonly #client: GuardClient;

  constructor(parts: GuardingParts) {
    this.#parts = parts;
    this.#client = new GuardClient(parts.runDir, parts.log);
  }

  /** See `Guarding.renew`. */
  async renew(until: number, signal: AbortSignal): Promise<GuardReport> {
    const targets = [...this.#parts.domains()].flatMap(targetOf);
    const request = { do: "renew", until, targets } as const;
    // Where nothing is guarded no guard is needed, and one that is there ends.
    const answer = targets.length > 0
      ? await this.#client.ask(request, signal)
      : await this.#client.askIfThere(request, signal);
    return answer ?? { guarded: {}, held: {} };
  }

  /** See `Guarding.release`. */
  async release(
    uids: readonly string[],
    until: number,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#client.askIfThere({ do: "release", uids, until }, signal);
  }

  /** Somebody resumes a domain: the guard has it no more. */
  async drop(uid: string, signal: AbortSignal): Promise<void> {
    if (this.heldOf(uid) === undefined) return;
    await this.#client.askIfThere({ do: "drop", uids: [uid] }, signal);
  }

  /** A domain's state as it is told: one that the guard holds is paused, whatever QEMU says. */
  told(handle: Handle, seen: SeenState): SeenState & { held?: true } {
    if (handle.onNodeLoss !== "restart") return seen;
    const held = this.heldOf(handle.uid);
    if (held === undefined || held.incarnation !== handle.incarnation) {
      return seen;
    }
    // It may go on by now, and the guard be about to say so.
    const isPaused = seen.state === "paused" || isFrozen(held.process);
    if (!isPaused) return seen;
    const how = held.how === "signal" ? " (QEMU did not answer)" : "";
    return {
      state: "paused",
      reason:
        `paused by its guard at ${held.at}, since its node's lease was over${how}`,
      held: true,
    };
  }

  /** What the guard did to the domain; undefined when it holds it not. */
  heldOf(uid: string): Held | undefined {
    return this.#client.held().find((held) => held.uid === uid);
  }
}

function targetOf({ handle, process, files }: Domain): Target[] {
  if (handle.onNodeLoss !== "restart" || process === null) return [];
  // A copy stands still anyway, and is not this node's to let go on.
  if (isCopy(handle.move)) return [];
  const { pid, startTicks } = process;
  return [{
    uid: handle.uid,
    incarnation: handle.incarnation,
    process: { pid, startTicks },
    monitors: files.monitors,
  }];
}
