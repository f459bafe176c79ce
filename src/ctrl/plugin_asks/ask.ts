/**
 * An ask that was checked, and the table of what answers each.
 *
 * @module
 */
import type { Asking, AskName, AskParams } from "../../plugin/asks.ts";
import { UsherError } from "../../error/mod.ts";
import type { Grant } from "./grant.ts";
import type { Pace } from "./pace.ts";

/** Who asks, what it was granted, and at which pace it may ask. */
export interface By {
  readonly asking: Asking;
  readonly grant: Grant;
  readonly pace: Pace;
}

/** What answers each ask, once capability and parameters were checked. */
export type Answers = {
  readonly [N in AskName]: (params: AskParams<N>, by: By) => unknown;
};

/** The part of the table for some asks. */
export type AnswersOf<N extends AskName> = Pick<Answers, N>;

/** The most things that one answer may hold: each is made while all others wait. */
export const MAX_ANSWER = 10_000;

/** Throws `invalid_input` for an answer that would be too large. */
export function refuseTooMany(count: number, what: string, by: By): void {
  if (count <= MAX_ANSWER) return;
  throw new UsherError(
    "invalid_input",
    `Plugin "${by.grant.plugin}" asked for ${count} ${what} at once`,
    {
      subject: by.grant.plugin,
      hint: `${MAX_ANSWER} are the most: ask for those of one node or name`,
    },
  );
}
