/**
 * A program on a real terminal, by util-linux's `script`.
 *
 * @module
 */
import { until } from "./wait.ts";

/** A program that believes a person sits before it. */
export class Pty implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #printed = "";

  /** Runs `command`, a line for the shell. */
  constructor(command: string, env: Readonly<Record<string, string>>) {
    this.#child = new Deno.Command("script", {
      args: [
        "--quiet",
        "--flush",
        "--return",
        "--command",
        command,
        "/dev/null",
      ],
      env: { TERM: "xterm", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#keep();
  }

  /** All that the terminal got so far. */
  get printed(): string {
    return this.#printed;
  }

  /** Types on the keyboard. */
  async type(keys: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(keys));
  }

  /** Waits until the terminal shows `expected`. */
  async untilShown(expected: RegExp): Promise<void> {
    await until(
      `the terminal shows ${expected}`,
      () => expected.test(this.#printed),
      { deadlineMs: 60_000 },
    ).catch((error) => {
      throw new Error(`${error.message}; it shows:\n${this.#printed}`);
    });
  }

  /** Waits for the end; answers the exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async #keep(): Promise<void> {
    for await (
      const text of this.#child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      this.#printed += text;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await this.#reading;
  }
}
