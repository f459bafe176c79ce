/**
 * UsherError: what every layer throws, and the way to and from the wire.
 *
 * ```
 * Error
 * └─ UsherError   code, hint?, field?, holder?, subject?, refusals?, refusedBy?; cause
 * ```
 *
 * There is one class on purpose: classes do not survive a link or a worker,
 * codes do. Compare by `code`, never by `instanceof`, on what came from
 * elsewhere. Throw close to the cause, wrap once a layer, translate at the
 * edges only.
 *
 * @module
 */
import {
  type CodeMeaning,
  ERROR_CODES,
  type ErrorCode,
} from "../schema/error_code.ts";
import type { RefusedBy } from "../schema/placement.ts";
import type { Problem } from "../schema/problem.ts";

export type { ErrorCode };

/** What an error may carry besides its code and message. */
export interface ErrorDetails {
  /** What to do about it. */
  readonly hint?: string | undefined;
  readonly field?: string | undefined;
  readonly holder?: string | undefined;
  readonly subject?: string | undefined;
  readonly refusals?: Readonly<Record<string, string>> | undefined;
  readonly refusedBy?: readonly RefusedBy[] | undefined;
  readonly cause?: unknown;
}

/** An error with one of usher's codes. */
export class UsherError extends Error {
  override readonly name = "UsherError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(
      message,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.details = details;
  }

  /** Whether sending the same again can succeed without a change. */
  get retry(): CodeMeaning["retry"] {
    return meaningOf(this.code).retry;
  }

  /** `none`: it surely did not happen. `unknown`: look before you act. */
  get outcome(): CodeMeaning["outcome"] {
    return meaningOf(this.code).outcome;
  }

  /** What to do about it, where that is known. */
  get hint(): string | undefined {
    return this.details.hint;
  }
}

/** What a code means; one that a newer controller added says nothing, so: look first. */
function meaningOf(code: ErrorCode): Pick<CodeMeaning, "retry" | "outcome"> {
  const known: Readonly<Record<string, CodeMeaning>> = ERROR_CODES;
  return known[code] ?? { retry: "look first", outcome: "unknown" };
}

/** Whether `error` is an UsherError with `code` (any code when none is given). */
export function isUsherError(
  error: unknown,
  code?: ErrorCode,
): error is UsherError {
  return error instanceof UsherError &&
    (code === undefined || error.code === code);
}

/** Whether the same may be tried again without a change. */
export function isRetryable(code: ErrorCode): boolean {
  const { retry } = ERROR_CODES[code];
  return retry === "yes" || retry === "later";
}

/** Whether it may have happened in spite of the error. */
export function mayHaveHappened(code: ErrorCode): boolean {
  return ERROR_CODES[code].outcome === "unknown";
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether `error` says that a wait was given up, by abort or deadline. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException &&
    (error.name === "AbortError" || error.name === "TimeoutError");
}

/** The wire form of anything thrown; what has no code becomes `internal`. */
export function toProblem(error: unknown): Problem {
  const known = isUsherError(error)
    ? error
    : new UsherError("internal", messageOf(error), { cause: error });
  const { status, retry, outcome, title } = ERROR_CODES[known.code];
  const { hint, field, holder, subject, refusals, refusedBy } = known.details;
  return {
    type: "about:blank",
    title,
    status,
    detail: known.message,
    code: known.code,
    retry,
    outcome,
    ...(hint === undefined ? {} : { hint }),
    ...(field === undefined ? {} : { field }),
    ...(holder === undefined ? {} : { holder }),
    ...(subject === undefined ? {} : { subject }),
    ...(refusals === undefined ? {} : { refusals: { ...refusals } }),
    ...(refusedBy === undefined ? {} : { refusedBy: [...refusedBy] }),
  };
}

/** The error that a problem from the wire stands for. */
export function fromProblem(problem: Problem): UsherError {
  const { hint, field, holder, subject, refusals, refusedBy } = problem;
  return new UsherError(problem.code, problem.detail, {
    hint,
    field,
    holder,
    subject,
    refusals,
    refusedBy,
  });
}
