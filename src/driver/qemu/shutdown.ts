/**
 * Asking a guest to shut down, for as long as it is given.
 *
 * @module
 */
import { isUsherError } from "../../error/mod.ts";
import { systemClock } from "../../sys/clock.ts";
import type { DomainReport } from "../driver.ts";
import { disobeyed } from "../refusals.ts";
import type { Domain } from "./domain.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";

const PRESS_EVERY_MS = 2000;

/** Waits until the guest has shut down. Throws `timed_out` when it does not obey; it runs on. */
export async function shutDown(
  domain: Domain,
  graceMs: number,
  signal: AbortSignal,
): Promise<DomainReport> {
  if (domain.process === null) return await domain.look();
  const over = AbortSignal.timeout(graceMs);
  using either = new JoinedSignal(over, signal);
  const end = domain.awaitEnd(either.signal);
  end.catch(() => {});
  domain.phase = "stopping";
  try {
    await pressUntil(domain, end);
    return domain.report();
  } catch (error) {
    signal.throwIfAborted();
    if (!over.aborted) throw error;
    throw disobeyed(domain, graceMs);
  } finally {
    if (domain.process !== null) domain.phase = "idle";
  }
}

/** Presses the power button again and again: early in its boot a guest does not see it. */
async function pressUntil(domain: Domain, end: Promise<void>): Promise<void> {
  const ended = end.then(() => true);
  // It may reject while a press is waited for; then the race below tells.
  ended.catch(() => {});
  for (;;) {
    const pressed = domain.execute("system_powerdown").catch(ignoreSilence);
    if (await Promise.race([ended, pressed]) === true) return;
    using pause = new Pause(PRESS_EVERY_MS);
    if (await Promise.race([ended, pause.over])) return;
  }
}

/** A sleep that is taken back when nobody waits for it any more. */
class Pause implements Disposable {
  readonly over: Promise<false>;
  readonly #stop = new AbortController();

  constructor(ms: number) {
    this.over = systemClock.sleep(ms, this.#stop.signal).then(
      () => false,
      () => false,
    );
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}

/** A monitor that is silent now may answer at the next press. */
function ignoreSilence(error: unknown): void {
  const known = isUsherError(error, "interrupted") ||
    isUsherError(error, "unavailable") ||
    isUsherError(error, "wrong_state");
  if (!known) throw error;
}
