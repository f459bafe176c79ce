/**
 * The optional ability to pause guests in time. Part of the contract in
 * `driver.ts`.
 *
 * @module
 */

/**
 * Pausing domains when the node's lease is over, whoever is alive then.
 *
 * Only domains whose plan said `onNodeLoss: restart` are guarded, since others
 * would be paused for nothing. See `core/lease.ts` for what rests on it.
 *
 * 15. What `renew` answers as guarded is paused within `STOP_MS` and `LOOK_MS`
 *     of the lease's end, even if this process, or the whole LNM, is dead or
 *     stopped by then; and only then.
 * 16. What the guard paused is reported as `paused` and `held`, until it is
 *     released, resumed, or ended. What was paused before is left alone.
 */
export interface Guarding {
  /**
   * Guarded domains may run until `until`, in boot time. An earlier end than
   * one that was given before changes nothing. What is held stays so.
   */
  renew(until: number, signal: AbortSignal): Promise<GuardReport>;
  /** Lets those of `uids` go on that are held, if `until` is not over yet. */
  release(
    uids: readonly string[],
    until: number,
    signal: AbortSignal,
  ): Promise<void>;
}

/** What a guard has in hand; each uid with the incarnation of its run. */
export interface GuardReport {
  /** Would be paused in time. */
  readonly guarded: Readonly<Record<string, string>>;
  /** Was paused by the guard, and is so still. */
  readonly held: Readonly<Record<string, string>>;
}
