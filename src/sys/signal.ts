/**
 * Signals of the operating system, as abort signals.
 *
 * @module
 */

/**
 * SIGHUP, from now on until disposed of: a wish to read the configuration
 * anew, or the end of the terminal that this process was started on.
 */
export class Hangups implements Disposable {
  readonly #listener: () => void;
  #reload: (() => void) | null = null;
  #isMissed = false;

  /** `end` is called when the terminal is gone. */
  constructor(end: () => void) {
    const hadTerminal = Deno.stderr.isTerminal();
    this.#listener = () => {
      if (hadTerminal && !Deno.stderr.isTerminal()) end();
      else if (this.#reload === null) this.#isMissed = true;
      else this.#reload();
    };
    Deno.addSignalListener("SIGHUP", this.#listener);
  }

  /** Calls `reload` at each, and at once for those that came too early. */
  on(reload: () => void): Disposable {
    this.#reload = reload;
    if (this.#isMissed) reload();
    this.#isMissed = false;
    return { [Symbol.dispose]: () => void (this.#reload = null) };
  }

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGHUP", this.#listener);
  }
}

/** Aborts at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function untilAsked(): AbortSignal {
  return askedToEnd().signal;
}

/** The same, for who ends for other reasons, too. */
export function askedToEnd(): AbortController {
  const controller = new AbortController();
  const ask = () => {
    if (controller.signal.aborted) Deno.exit(130);
    controller.abort("asked to end");
  };
  Deno.addSignalListener("SIGTERM", ask);
  Deno.addSignalListener("SIGINT", ask);
  return controller;
}
