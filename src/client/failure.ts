/**
 * Errors with usher's codes, made without loading them beforehand: the codes
 * come with the schemas, and a command that goes well has no use for either.
 *
 * @module
 */
import type { ErrorDetails, UsherError } from "../error/mod.ts";
import type { ErrorCode, Problem } from "../schema/problem.ts";

/** An UsherError to throw: `throw await failure(…)`. */
export async function failure(
  code: ErrorCode,
  message: string,
  details: ErrorDetails = {},
): Promise<UsherError> {
  const { UsherError } = await import("../error/mod.ts");
  return new UsherError(code, message, details);
}

/** The error that an answer of the controller stands for. */
export async function failureFrom(problem: Problem): Promise<UsherError> {
  const { fromProblem } = await import("../error/mod.ts");
  return fromProblem(problem);
}

/** Whether `error` is an UsherError, with `code` where one is given. */
export function isFailure(
  error: unknown,
  code?: ErrorCode,
): error is UsherError {
  return error instanceof Error && error.name === "UsherError" &&
    "code" in error && (code === undefined || error.code === code);
}
