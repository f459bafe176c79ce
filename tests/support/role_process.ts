/**
 * A role of the compiled executable, as a process of its own.
 *
 * @module
 */

/** A running `usher ctrl`, `usher lnm` or `usher dev`; all it prints is kept. */
export class RoleProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  #printed = "";
  #more = Promise.withResolvers<void>();

  constructor(
    usher: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#child = new Deno.Command(usher, {
      args: [...args],
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([
      this.#keep(this.#child.stdout),
      this.#keep(this.#child.stderr),
    ]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** All that it has printed so far, of both streams. */
  get printed(): string {
    return this.#printed;
  }

  /**
   * Waits until what it prints matches; answers the pattern's first group, or
   * the whole. Throws what it printed when it ends before, or after a minute
   * and a half.
   */
  async says(pattern: RegExp): Promise<string> {
    const over = AbortSignal.timeout(90_000);
    const late = new Promise<void>((resolve) =>
      over.addEventListener("abort", () => resolve(), { once: true })
    );
    let hasEnded = false;
    const ended = this.#reading.then(() => void (hasEnded = true));
    for (;;) {
      const found = pattern.exec(this.#printed);
      if (found !== null) return found[1] ?? found[0];
      if (hasEnded || over.aborted) {
        throw new Error(`usher did not say ${pattern}, but: ${this.#printed}`);
      }
      await Promise.race([this.#more.promise, ended, late]);
    }
  }

  /** Resident memory, MiB. */
  rssMiB(): Promise<number> {
    return rssMiB(this.pid);
  }

  /** Sends a signal, waits for the end, answers the exit code. */
  async end(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): Promise<number> {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended by itself.
    }
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async #keep(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      this.#printed += part;
      this.#more.resolve();
      this.#more = Promise.withResolvers<void>();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGTERM");
  }
}

/** Resident memory of a process, MiB. */
export async function rssMiB(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024;
}
