/**
 * Signals of the operating system, as abort signals.
 *
 * @module
 */

/** Aborts at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function untilAsked(): AbortSignal {
  const controller = new AbortController();
  const ask = () => {
    if (controller.signal.aborted) Deno.exit(130);
    controller.abort("asked to end");
  };
  Deno.addSignalListener("SIGTERM", ask);
  Deno.addSignalListener("SIGINT", ask);
  return controller.signal;
}
