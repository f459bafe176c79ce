/**
 * What a driver says of a start that came to nothing: the same words under every
 * hypervisor, whose own stand behind them.
 *
 * @module
 */
import { isUsherError, messageOf, UsherError } from "../error/mod.ts";
import type { Ending } from "./ending.ts";

/** How a run has ended that was powered off while it began. */
export const CUT_SHORT: Ending = {
  state: "stopped",
  reason: "powered off while it started",
};

/** A power cut met the start. */
export function cutShort(name: string): UsherError {
  return new UsherError(
    "driver_failed",
    `Cannot start VM "${name}": it was powered off meanwhile`,
  );
}

/** This LNM ends; whether the start comes to its end is for the next one to see. */
export function leftAlone(name: string): UsherError {
  return new UsherError(
    "interrupted",
    `The start of VM "${name}" goes on without its LNM, which ends`,
  );
}

/** What `error` means for who asked for the start; `hint` helps where a program is missing. */
export function startFailed(
  error: unknown,
  name: string,
  hint: string,
): UsherError {
  const isMissing = isUsherError(error, "not_found");
  if (isUsherError(error) && !isMissing) return error;
  return new UsherError(
    "driver_failed",
    `Cannot start VM "${name}": ${messageOf(error)}`,
    { cause: error, hint: isMissing ? hint : undefined },
  );
}
