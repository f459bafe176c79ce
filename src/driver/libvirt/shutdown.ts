/**
 * Asking a guest to shut down, for as long as it is given.
 *
 * @module
 */
import { isUsherError, UsherError } from "../../error/mod.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";
import type { DomainReport } from "../driver.ts";
import { disobeyed } from "../refusals.ts";
import type { Book } from "./book.ts";
import type { Domain } from "./domain.ts";
import type { Virsh } from "./virsh.ts";

/** Early in its boot a guest does not hear the power button. */
const PRESS_EVERY_MS = 2000;

/** Waits until the guest has shut down. Throws `timed_out` when it does not obey; it runs on. */
export async function shutDown(
  { virsh, book }: { readonly virsh: Virsh; readonly book: Book },
  domain: Domain,
  graceMs: number,
  signal: AbortSignal,
): Promise<DomainReport> {
  if (!domain.isUp) return domain.report();
  const over = AbortSignal.timeout(graceMs);
  using either = new JoinedSignal(over, signal);
  domain.phase = "stopping";
  let pressing: Promise<void> | null = null;
  try {
    while (domain.isUp) {
      either.signal.throwIfAborted();
      pressing ??= press(virsh, book, domain).finally(() => pressing = null);
      pressing.catch(() => {}); // thrown below, if it is waited for
      await Promise.race([
        pressing.then(() => domain.news.next(PRESS_EVERY_MS, either.signal)),
        untilDown(domain, either.signal),
      ]);
    }
    return domain.report();
  } catch (error) {
    signal.throwIfAborted();
    if (!over.aborted) throw error;
    throw disobeyed(domain, graceMs);
  } finally {
    domain.phase = "idle";
  }
}

/** Presses the button, and looks: an event may have been lost. */
async function press(virsh: Virsh, book: Book, domain: Domain): Promise<void> {
  try {
    const refusal = await virsh.act(["shutdown", domain.uuid]);
    if (refusal !== null && !/is not running/.test(refusal)) {
      throw new UsherError(
        "driver_failed",
        `Cannot shut down VM "${domain.handle.name}": ${refusal}`,
      );
    }
    await book.look();
  } catch (error) {
    // A daemon that is silent now may answer at the next press.
    const isSilence = isUsherError(error, "interrupted") ||
      isUsherError(error, "unavailable");
    if (!isSilence) throw error;
  }
}

async function untilDown(domain: Domain, signal: AbortSignal): Promise<void> {
  while (domain.isUp && !signal.aborted) {
    await domain.news.next(PRESS_EVERY_MS, signal);
  }
}
