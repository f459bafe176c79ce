/**
 * Errors that nobody waited for: logged, and survived.
 *
 * A role serves many; a mistake in one answer must not end it for all. What a
 * role has promised is durable and looked at again, so going on is safe.
 *
 * @module
 */
import { messageOf } from "../error/mod.ts";
import type { Log } from "./log.ts";

/** Logs rejections that nothing handles, instead of ending the process. */
export function surviveStrayErrors(log: Log): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    const { reason } = event;
    log.error("an error that nothing handled", {
      error: reason instanceof Error
        ? reason.stack ?? reason.message
        : messageOf(reason),
    });
  });
}
