/**
 * Waiting for what nobody announces: files that the processes of a move write,
 * and processes that end. They are looked at, and a wait that gets too long says
 * for what it was.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { systemClock } from "../../sys/clock.ts";

/** What is waited for, and for how long. */
export interface Wait {
  /** Such as `the process that listens for it`. */
  readonly what: string;
  readonly ms: number;
  readonly everyMs: number;
  readonly signal?: AbortSignal;
}

/** Looks until `look` answers something. Throws `timed_out`: what was waited for may come about later. */
export async function untilSeen<T>(
  { handle: { name } }: { readonly handle: { readonly name: string } },
  { what, ms, everyMs, signal }: Wait,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const late = systemClock.monotonic() + ms;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (systemClock.monotonic() > late) {
      throw new UsherError(
        "timed_out",
        `Cannot move VM "${name}": waited ${
          Math.round(ms / 1000)
        } s for ${what}`,
        { hint: "Its node may be too busy; try again." },
      );
    }
    await systemClock.sleep(everyMs, signal);
  }
}
