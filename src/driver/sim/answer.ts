/**
 * What a verb of the sim driver answers, or fails to.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { SimDomain } from "./domain_record.ts";

/** `value`, unless the domain's answers get lost. */
export function answer<T>(
  knobs: SimDomain["knobs"],
  verb: string,
  value: T,
): T {
  if (knobs.replyLost) {
    throw new UsherError(
      "interrupted",
      `The answer to ${verb} was lost (sim.replyLost)`,
    );
  }
  return value;
}

/** What a verb that does not fit the domain's phase throws. */
export function wrongState(verb: string, domain: SimDomain): UsherError {
  return new UsherError(
    "wrong_state",
    `Cannot ${verb} "${domain.name}": its domain is ${domain.phase}`,
  );
}
