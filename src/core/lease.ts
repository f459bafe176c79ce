/**
 * The lease of a node: for how long it may run the VMs that others would
 * start when it is lost, and when they may.
 *
 * A node sends a beat at `s` (its boot time) and the controller hears it at
 * `h`, which is later. The controller says so; then, and only then, the node's
 * guard may let those VMs run until `s + lease`. The controller lets them be
 * started elsewhere at `h + lease + margin` at the earliest. So however long
 * a frame takes, and whatever the clocks of the two say:
 *
 * ```
 * guard has paused   ≤ s + (lease + LOOK + STOP) × (1 + DRIFT)
 * others may start   ≥ h + (lease + margin)      × (1 − DRIFT)
 * s ≤ h, so it is enough that
 *     (lease + LOOK + STOP) × (1 + DRIFT) < (lease + margin) × (1 − DRIFT)
 * ```
 *
 * Both ends count with clocks that go forward alone; `docs/node-loss.md` says
 * what is not covered.
 *
 * @module
 */

/** How often a guard looks at the time. */
export const LOOK_MS = 250;

/** How long it may take to pause all its domains: by QMP, and by a signal those that do not answer. */
export const STOP_MS = 2000;

/** How much faster or slower than real time a clock may go, as a ratio: ten times what hardware promises. */
export const DRIFT = 0.001;

/** What the site's configuration says of it. */
export interface LeaseTerms {
  readonly leaseMs: number;
  /** What the controller waits beyond the lease. */
  readonly marginMs: number;
}

/** Until when, by its own boot time, a node may run such VMs whose beat of `sentAt` was heard. */
export function leaseEnd(sentAt: number, leaseMs: number): number {
  return sentAt + leaseMs;
}

/** Whether others may run a guarded VM, `sinceHeardMs` after its node was heard last. */
export function mayTakeOver(
  sinceHeardMs: number,
  { leaseMs, marginMs }: LeaseTerms,
): boolean {
  return sinceHeardMs >= leaseMs + marginMs;
}

/** The shortest margin with which no two copies run, in whole ms. */
export function leastMarginMs(leaseMs: number): number {
  const paused = (leaseMs + LOOK_MS + STOP_MS) * (1 + DRIFT);
  return Math.floor(paused / (1 - DRIFT) - leaseMs) + 1;
}
