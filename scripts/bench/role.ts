/**
 * A role of the compiled executable, as a process of its own.
 *
 * @module
 */

const ROOT = new URL("../..", import.meta.url).pathname;

/** The compiled executable. */
export const EXECUTABLE = `${ROOT}dist/usher`;

/** A running `usher ctrl` or `usher lnm`. */
export class Role implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #printed = "";
  #said = Promise.withResolvers<void>();

  constructor(args: readonly string[]) {
    this.#child = new Deno.Command(EXECUTABLE, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#reading = this.#keep();
  }

  /** What `pattern` finds in what the role prints; throws when it ends before. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#printed);
      if (found !== null) return found[1] ?? found[0];
      const ended = this.#reading.then(() => true);
      const more = this.#said.promise.then(() => false);
      if (await Promise.race([more, ended]) && !pattern.test(this.#printed)) {
        throw new Error(`usher ended; it said: ${this.#printed}`);
      }
    }
  }

  /** Resident memory, MiB. */
  async rssMiB(): Promise<number> {
    return await rssMiB(this.#child.pid);
  }

  async #keep(): Promise<void> {
    const text = this.#child.stdout.pipeThrough(new TextDecoderStream());
    for await (const part of text) {
      this.#printed += part;
      this.#said.resolve();
      this.#said = Promise.withResolvers<void>();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await this.#reading;
  }
}

/** Resident memory of a process, MiB. */
export async function rssMiB(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024;
}
