/**
 * Exit codes: what a script learns without reading a word.
 *
 * @module
 */
import type { ErrorCode, Problem } from "../schema/problem.ts";
import type { OperationState } from "../schema/operation.ts";

/** Every exit code of the client. Append only: scripts keep these numbers. */
export const EXIT = {
  done: 0,
  failed: 1,
  notPlaced: 2,
  stillRunning: 3,
  denied: 4,
  conflict: 5,
  unreachable: 6,
  usage: 64,
  /** Ctrl-C before anything was asked for, as shells have it. */
  interrupted: 130,
} as const;

/** The exit code of each error code. */
export const EXIT_OF: Readonly<Record<ErrorCode, number>> = {
  invalid_input: EXIT.usage,
  unauthenticated: EXIT.denied,
  permission_denied: EXIT.denied,
  not_found: EXIT.failed,
  already_exists: EXIT.conflict,
  wrong_state: EXIT.conflict,
  stale: EXIT.conflict,
  busy: EXIT.conflict,
  insufficient_resources: EXIT.notPlaced,
  unsupported: EXIT.failed,
  unavailable: EXIT.unreachable,
  interrupted: EXIT.failed,
  cancelled: EXIT.failed,
  driver_failed: EXIT.failed,
  refused: EXIT.denied,
  plugin_failed: EXIT.failed,
  internal: EXIT.failed,
  too_many_requests: EXIT.denied,
  timed_out: EXIT.failed,
  quota_exceeded: EXIT.notPlaced,
};

/** What an outcome says that its exit code depends on. */
export interface Ended {
  readonly state: OperationState;
  readonly problem: Pick<Problem, "code"> | null;
}

/**
 * The exit code of several VMs: 3 while any is still at work, 0 when all are
 * done, the failures' own code when they agree, and 1 when they differ.
 */
export function exitOf(outcomes: readonly Ended[]): number {
  const codes = new Set(outcomes.map(exitOfOne));
  if (codes.has(EXIT.stillRunning)) return EXIT.stillRunning;
  codes.delete(EXIT.done);
  const [first = EXIT.done, ...others] = codes;
  return others.length === 0 ? first : EXIT.failed;
}

function exitOfOne({ state, problem }: Ended): number {
  if (state === "succeeded") return EXIT.done;
  if (state !== "failed" && state !== "cancelled") return EXIT.stillRunning;
  const code = problem?.code ?? "internal";
  // The controller answered: what was out of reach is a node, not itself.
  return code === "unavailable" ? EXIT.failed : EXIT_OF[code] ?? EXIT.failed;
}
