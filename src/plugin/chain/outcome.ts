/**
 * What came of one call of a handler, so that two versions of a plugin can be
 * compared by what they decide.
 *
 * @module
 */
import { isUsherError, messageOf } from "../../error/mod.ts";
import { type Args, sameJson } from "./answer.ts";
import { differences } from "./difference.ts";
import type { HandlerResult } from "../runner.ts";

/** What one handler made of an event. */
export type HandlerOutcome =
  | {
    readonly kind: "answered"; /** Null for nothing. */
    readonly args: Args | null;
  }
  | { readonly kind: "refused" | "failed"; readonly reason: string };

/** The outcome of a call, whatever becomes of it; never rejects. */
export async function outcomeOf(
  call: Promise<HandlerResult>,
): Promise<HandlerOutcome> {
  try {
    return { kind: "answered", args: (await call).args };
  } catch (error) {
    const kind = isUsherError(error, "refused") ? "refused" : "failed";
    return { kind, reason: messageOf(error) };
  }
}

/** Whether both would have usher go on in the same way, given what went in. */
export function isSameOutcome(
  input: Args,
  one: HandlerOutcome,
  other: HandlerOutcome,
): boolean {
  if (one.kind !== "answered" || other.kind !== "answered") {
    return one.kind === other.kind;
  }
  return sameJson(one.args ?? input, other.args ?? input);
}

/** An outcome in a few words. */
export function outcomeText(input: Args, outcome: HandlerOutcome): string {
  if (outcome.kind !== "answered") return outcome.reason;
  const changed = differences(input, outcome.args ?? input);
  return changed.length === 0 ? "leaves it as it is" : changed.join(", ");
}
