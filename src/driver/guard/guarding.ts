/**
 * Guarding guests that have a process: tells the guard of this node which there
 * are, and the driver what the guard has done to them.
 *
 * @module
 */
import type { DomainState } from "../../schema/vm.ts";
import { isFrozen } from "../../sys/process_table.ts";
import type { DomainReport, Guarding, GuardReport } from "../driver.ts";
import { GuardClient } from "./client.ts";
import type { Held, Target } from "./protocol.ts";

/** What guarding works with. */
export interface GuardingParts<T extends Target> {
  readonly driver: string;
  /** The driver's run directory, where its guard has its files. */
  readonly runDir: string;
  /** Who did not answer when a guest was stopped by a signal, for people. */
  readonly silent: string;
  /** The domains that are to be guarded, as they are now. */
  targets(): readonly T[];
  log(message: string, fields: Record<string, unknown>): void;
}

/** Which run of which VM is told of. */
export type Run = Pick<DomainReport, "uid" | "incarnation">;

/** State and reason, as they are told. */
export interface Told {
  readonly state: DomainState;
  readonly reason: string;
  readonly held?: true;
}

/** The guard of one driver's domains. */
export class ProcessGuarding<T extends Target> implements Guarding {
  readonly #parts: GuardingParts<T>;
  readonly #client: GuardClient;

  constructor(parts: GuardingParts<T>) {
    this.#parts = parts;
    const { driver, runDir, log } = parts;
    this.#client = new GuardClient(driver, runDir, log);
  }

  /** See `Guarding.renew`. */
  async renew(until: number, signal: AbortSignal): Promise<GuardReport> {
    const targets = this.#parts.targets();
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

  /** A guarded run's state as it is told: one that the guard holds is paused, whatever its hypervisor says. */
  told({ uid, incarnation }: Run, seen: Told): Told {
    const held = this.heldOf(uid ?? "");
    if (held === undefined || held.incarnation !== incarnation) return seen;
    // It may go on by now, and the guard be about to say so.
    const isPaused = seen.state === "paused" || isFrozen(held.process);
    if (!isPaused) return seen;
    const how = held.how === "signal"
      ? ` (${this.#parts.silent} did not answer)`
      : "";
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
