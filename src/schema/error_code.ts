/**
 * The codes of errors. The list is closed and append-only. Every code says
 * two things that a caller needs to go on: may the same be tried again, and
 * could it have happened in spite of the error.
 *
 * Apart from problem.ts, whose schemas a command that goes well does not need.
 *
 * @module
 */

/** What a code means to a caller. */
export interface CodeMeaning {
  /** HTTP status. */
  readonly status: number;
  /** Whether sending the same again can succeed without a change. */
  readonly retry: "no" | "yes" | "later" | "look first";
  /** `none`: it surely did not happen. `unknown`: look before you act. */
  readonly outcome: "none" | "unknown";
  /** In general, for people. */
  readonly title: string;
}

/** Every error code. Append only: clients keep these words. */
export const ERROR_CODES = {
  invalid_input: {
    status: 400,
    retry: "no",
    outcome: "none",
    title: "Invalid input",
  },
  unauthenticated: {
    status: 401,
    retry: "no",
    outcome: "none",
    title: "Not logged in",
  },
  permission_denied: {
    status: 403,
    retry: "no",
    outcome: "none",
    title: "Permission denied",
  },
  not_found: { status: 404, retry: "no", outcome: "none", title: "Not found" },
  already_exists: {
    status: 409,
    retry: "no",
    outcome: "none",
    title: "Already exists",
  },
  wrong_state: {
    status: 409,
    retry: "no",
    outcome: "none",
    title: "Wrong state",
  },
  stale: {
    status: 412,
    retry: "no",
    outcome: "none",
    title: "Changed meanwhile",
  },
  busy: { status: 409, retry: "yes", outcome: "none", title: "Busy" },
  insufficient_resources: {
    status: 409,
    retry: "later",
    outcome: "none",
    title: "Could not be placed",
  },
  unsupported: {
    status: 422,
    retry: "no",
    outcome: "none",
    title: "Not supported",
  },
  unavailable: {
    status: 503,
    retry: "yes",
    outcome: "none",
    title: "Out of reach",
  },
  interrupted: {
    status: 502,
    retry: "look first",
    outcome: "unknown",
    title: "Interrupted",
  },
  cancelled: { status: 409, retry: "no", outcome: "none", title: "Cancelled" },
  driver_failed: {
    status: 502,
    retry: "no",
    outcome: "none",
    title: "Hypervisor failed",
  },
  refused: {
    status: 403,
    retry: "no",
    outcome: "none",
    title: "Refused by policy",
  },
  plugin_failed: {
    status: 502,
    retry: "no",
    outcome: "none",
    title: "Plugin failed",
  },
  internal: {
    status: 500,
    retry: "no",
    outcome: "unknown",
    title: "Internal error",
  },
  too_many_requests: {
    status: 429,
    retry: "later",
    outcome: "none",
    title: "Too many attempts",
  },
  timed_out: {
    status: 504,
    retry: "look first",
    outcome: "unknown",
    title: "Timed out",
  },
  quota_exceeded: {
    status: 409,
    retry: "later",
    outcome: "none",
    title: "Quota exceeded",
  },
} as const satisfies Readonly<Record<string, CodeMeaning>>;

/** One of the closed list of codes. */
export type ErrorCode = keyof typeof ERROR_CODES;
