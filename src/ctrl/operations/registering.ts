/**
 * A new VM is started once its `register` chain has ended: what plugins make
 * for it, such as its address or its disk, is there when its guest boots.
 *
 * Each handler of the chain has a deadline, and one that fails is passed over;
 * should the chain take very long all the same, the start goes on without it.
 *
 * @module
 */
import type { StepName } from "../../core/step.ts";
import type { Operation } from "../../schema/operation.ts";
import { Deadline } from "../../sys/clock.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";
import type { RunParts } from "./run_parts.ts";

/** How long a start waits for the chain in all. */
export const REGISTER_MS = 300_000;

/** A chain that takes longer is named in the log. */
const SLOW_MS = 1000;

/** What the wait needs. */
type Parts = Pick<RunParts, "outbox" | "context" | "stopped">;

/** Before `step` is taken: resolves once that may be; rejects when `signal` aborts, or the controller ends. */
export async function untilRegistered(
  step: StepName,
  { uid, vm, id }: Operation,
  { outbox, context, stopped }: Parts,
  signal: AbortSignal,
): Promise<void> {
  if (step !== "start" || !outbox.isRegistering(uid)) return;
  const { clock, log } = context;
  const about = { operation: id, vm };
  using _slow = clock.after(
    SLOW_MS,
    () => log.warn('a start waits for the chain "register"', about),
  );
  using either = new JoinedSignal(signal, stopped);
  using deadline = new Deadline(
    clock,
    REGISTER_MS,
    'end of the chain "register"',
    either.signal,
  );
  try {
    await outbox.registered(uid, deadline.signal);
  } catch (error) {
    if (either.signal.aborted) throw error;
    log.error('a start goes on without the end of the chain "register"', {
      ...about,
      afterMs: REGISTER_MS,
    });
  }
}
