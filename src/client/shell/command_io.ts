/**
 * The machine as one command of the shell sees it.
 *
 * The command believes that it is alone: it may make the terminal raw, ask,
 * and listen for Ctrl-C. When it is left behind (a second Ctrl-C, or one that
 * it does not listen for) what it still says is dropped, and no key reaches it.
 *
 * @module
 */
import type { CliSection } from "../../schema/ush_config.ts";
import type { Input, Io, Output } from "../io.ts";
import type { Keyboard } from "./keyboard.ts";

/** What a command of the shell runs with. */
export interface CommandIoOptions {
  readonly io: Io;
  /** Where its input comes from; null for that of the shell as it is. */
  readonly keyboard: Keyboard | null;
  /** Puts the terminal into the mode that commands begin in. */
  lend(): void;
  /** Nobody reads what is written any more. */
  onBroken(): void;
  /** Environment variables that the shell sets for its commands. */
  readonly env: ReadonlyMap<string, string>;
}

/** One command's terminal, environment and interrupts. */
export class CommandIo implements Io, Disposable {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input;
  readonly #options: CommandIoOptions;
  readonly #handlers = new Set<() => void>();
  #isLeft = false;
  #isRaw = false;

  constructor(options: CommandIoOptions) {
    this.#options = options;
    const { io } = options;
    this.stdout = this.#output(io.stdout);
    this.stderr = this.#output(io.stderr);
    this.stdin = {
      isTerminal: io.stdin.isTerminal,
      setRaw: (raw) => {
        if (this.#isLeft) return;
        if (options.keyboard === null) return io.stdin.setRaw(raw);
        this.#isRaw = raw;
        if (raw) io.stdin.setRaw(true);
        else options.lend();
      },
      chunks: () => this.#chunks(),
    };
  }

  get cli(): CliSection {
    return this.#options.io.cli ?? {};
  }

  env(name: string): string | undefined {
    return this.#options.env.get(name) ?? this.#options.io.env(name);
  }

  now(): number {
    return this.#options.io.now();
  }

  onInterrupt(handler: () => void): Disposable {
    this.#handlers.add(handler);
    return { [Symbol.dispose]: () => void this.#handlers.delete(handler) };
  }

  /** Hands Ctrl-C to the command; false when it does not listen. */
  interrupt(): boolean {
    // A handler may take itself away.
    const handlers = [...this.#handlers];
    for (const handler of handlers) handler();
    return handlers.length > 0;
  }

  [Symbol.dispose](): void {
    this.leave();
  }

  /** Cuts the command off from the terminal. */
  leave(): void {
    this.#isLeft = true;
    this.#handlers.clear();
    this.#options.keyboard?.release();
  }

  #output(output: Output): Output {
    return {
      isTerminal: output.isTerminal,
      columns: () => output.columns(),
      rows: () => output.rows(),
      write: (data) => {
        if (this.#isLeft) return;
        try {
          output.write(data);
        } catch (error) {
          this.#options.onBroken();
          throw error;
        }
      },
    };
  }

  async *#chunks(): AsyncIterableIterator<Uint8Array> {
    const { keyboard, io, lend } = this.#options;
    if (keyboard === null) return yield* io.stdin.chunks();
    // A question: the terminal shows what is typed, and mends it.
    const isLine = !this.#isRaw && io.stdin.isTerminal;
    if (isLine) io.stdin.setRaw(false);
    try {
      while (!this.#isLeft) {
        const chunk = await keyboard.next();
        if (chunk === null) return;
        yield chunk;
      }
    } finally {
      if (isLine && !this.#isLeft) lend();
    }
  }
}
