/**
 * What became of the VMs of a request, as errors for those who want them.
 *
 * @module
 */
import { fromProblem, UsherError } from "../../error/mod.ts";
import type { Outcome, Result } from "../../schema/operation.ts";

/** A VM that a request did not succeed for. */
export interface FailedOutcome {
  readonly vm: string;
  readonly outcome: Outcome;
  readonly error: UsherError;
}

/** The VMs that failed or were cancelled, each with its error. */
export function failuresOf(result: Result): readonly FailedOutcome[] {
  return result.outcomes
    .filter(({ state }) => state === "failed" || state === "cancelled")
    .map((outcome) => ({
      vm: outcome.vm,
      outcome,
      error: outcome.problem === null
        ? new UsherError(
          "cancelled",
          `The operation on "${outcome.vm}" was cancelled`,
          { subject: outcome.vm },
        )
        : fromProblem(outcome.problem),
    }));
}

/** `result`, when every VM succeeded; throws the first one's error otherwise. */
export function allDone(result: Result): Result {
  const [first] = failuresOf(result);
  if (first !== undefined) throw first.error;
  return result;
}
