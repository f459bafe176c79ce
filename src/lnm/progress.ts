/**
 * Progress of a long act, thinned out: a driver may tell as often as it likes,
 * and the link carries a few frames a second of it.
 *
 * @module
 */
import type { Progress } from "../schema/operation.ts";
import type { Clock } from "../sys/clock.ts";

const EVERY_MS = 250;

/** Hands on to `tell` what begins a phase, and of the rest what is not too soon. */
export function thinned(
  tell: (progress: Progress) => void,
  clock: Pick<Clock, "monotonic">,
): (progress: Progress) => void {
  let phase = "";
  let at = -Infinity;
  return (progress) => {
    const now = clock.monotonic();
    if (progress.phase === phase && now - at < EVERY_MS) return;
    phase = progress.phase;
    at = now;
    tell(progress);
  };
}
