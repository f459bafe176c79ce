/**
 * What a terminal tells a program besides keys, and how a program stops itself
 * as Ctrl-Z does.
 *
 * @module
 */

/** Signals of a terminal, and those that end a program. */
export type TerminalSignal =
  | "SIGWINCH"
  | "SIGCONT"
  | "SIGHUP"
  | "SIGTERM"
  | "SIGQUIT";

/** Calls `handler` at each `signal` until it is disposed of. */
export function onTerminalSignal(
  signal: TerminalSignal,
  handler: () => void,
): Disposable {
  Deno.addSignalListener(signal, handler);
  return {
    [Symbol.dispose]: () => Deno.removeSignalListener(signal, handler),
  };
}

/**
 * Stops this process until it is continued. Without a shell that could
 * continue it (an orphaned process group) the kernel does nothing.
 */
export function stopSelf(): void {
  Deno.kill(Deno.pid, "SIGTSTP");
}
