/**
 * The floor of a plugin's process: the same runtime, compiled in the same way,
 * with a worker without permissions in which nothing is.
 *
 * @module
 */
import { readOwnBytes } from "../../src/sys/process_table.ts";
import { helloWorld } from "./command.ts";
import { median } from "./row.ts";

const MIB = 1024 * 1024;

/** Processes of one worker each, which wait. */
export class BareHosts implements AsyncDisposable {
  readonly #children: readonly Deno.ChildProcess[];

  private constructor(children: readonly Deno.ChildProcess[]) {
    this.#children = children;
  }

  /** Starts so many side by side; resolves when all workers are there. */
  static async start(count: number): Promise<BareHosts> {
    const program = await helloWorld();
    const children = Array.from(
      { length: count },
      () =>
        new Deno.Command(program, {
          args: ["worker"],
          stdin: "piped",
          stdout: "piped",
        }).spawn(),
    );
    await Promise.all(
      children.map(async ({ stdout }) => await stdout.getReader().read()),
    );
    return new BareHosts(children);
  }

  /** What one of them has to itself. */
  get ownMiB(): number {
    return median(
      this.#children.map(({ pid }) => (readOwnBytes(pid) ?? NaN) / MIB),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map(async ({ stdin, status }) => {
      await stdin.close();
      await status;
    }));
  }
}
