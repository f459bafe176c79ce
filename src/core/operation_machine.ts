/**
 * The life of an operation, as a pure table.
 *
 * ```
 * pending ──begin──► running ──succeed──► succeeded
 *    │                 │  └─────fail────► failed
 *  cancel            cancel
 *    ▼                 ▼
 * cancelled ◄─unwound─ cancelling ──succeed | fail──► succeeded | failed
 * ```
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { OperationState } from "../schema/operation.ts";

/** What may happen to an operation. */
export type OperationSignal =
  | "begin"
  | "succeed"
  | "fail"
  | "cancel"
  | "unwound";

const NEXT: Readonly<
  Record<OperationState, Partial<Record<OperationSignal, OperationState>>>
> = {
  pending: { begin: "running", cancel: "cancelled", fail: "failed" },
  running: { succeed: "succeeded", fail: "failed", cancel: "cancelling" },
  // Work that finished before it saw the request to stop still counts.
  cancelling: {
    unwound: "cancelled",
    succeed: "succeeded",
    fail: "failed",
    cancel: "cancelling",
  },
  succeeded: {},
  failed: {},
  cancelled: {},
};

/** Whether an operation in `state` will never change again. */
export function isFinal(state: OperationState): boolean {
  return Object.keys(NEXT[state]).length === 0;
}

/** The state that follows `state` on `signal`. Throws `wrong_state` when there is none. */
export function transition(
  state: OperationState,
  signal: OperationSignal,
): OperationState {
  const next = NEXT[state][signal];
  if (next === undefined) {
    throw new UsherError(
      "wrong_state",
      `Cannot ${signal} an operation that is "${state}"`,
    );
  }
  return next;
}
