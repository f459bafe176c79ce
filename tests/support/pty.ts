/**
 * A program on a real terminal, by util-linux's `script`.
 *
 * `script` hands its command to `$SHELL -c`, and not every shell makes room
 * for a single command: dash stays as its parent, in the same process group,
 * dies of the Ctrl-C that the program lives through, and `script` answers
 * dash's 130. So the shell is always the same one, and is replaced.
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

  /** Runs `command`, one program with its words, quoted for a shell. */
  constructor(command: string, env: Readonly<Record<string, string>>) {
    this.#child = new Deno.Command("script", {
      args: [
        "--quiet",
        "--flush",
        "--return",
        "--command",
        `exec ${command}`,
        "/dev/null",
      ],
      env: { TERM: "xterm", ...env, SHELL: "/bin/sh" },
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
