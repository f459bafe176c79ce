/**
 * A door of a guest: a virtio port behind which `scripts/guest/debian_shell`
 * runs one script after another, as root, and tells what each came to.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { connectUnix } from "../../src/sys/unix_socket.ts";
import { until } from "./wait.ts";

/** What a script in there came to. */
export interface Ended {
  readonly code: number;
  /** Standard output and standard error. */
  readonly out: string;
}

/** What a door belongs to. */
export interface DoorOptions {
  /** The socket that QEMU opens for it. */
  readonly path: string;
  /** How long anything may take in there, however slow the machine. */
  readonly deadlineMs: number;
  /** What the guest said elsewhere, for whoever reads why it answers no more. */
  readonly trouble: () => Promise<string>;
}

type Connection = Awaited<ReturnType<typeof connectUnix>>;

/** An open door; one script at a time goes through it. */
export class GuestDoor implements AsyncDisposable {
  readonly #options: DoorOptions;
  readonly #connection: Connection;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #rest = "";
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: DoorOptions, connection: Connection) {
    this.#options = options;
    this.#connection = connection;
    const bytes = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        const buffer = new Uint8Array(64 * 1024);
        const count = await connection.read(buffer).catch(() => null);
        if (count === null) controller.close();
        else controller.enqueue(buffer.subarray(0, count));
      },
    });
    this.#reader = bytes.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Resolves once there is somebody behind it. */
  static async open(options: DoorOptions): Promise<GuestDoor> {
    const connection = await until(
      "QEMU opens a door of the guest",
      () => connectUnix(options.path),
      options,
    );
    const door = new GuestDoor(options, connection);
    try {
      strictEqual(await door.#line(options.deadlineMs), "ready");
      return door;
    } catch (error) {
      await door[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a script of bash to its end, when those before it have ended. */
  run(script: string, deadlineMs = this.#options.deadlineMs): Promise<Ended> {
    const ended = this.#turn.then(() => this.#run(script, deadlineMs));
    this.#turn = ended.catch(() => {});
    return ended;
  }

  /** Runs a script that must succeed; what it printed. */
  async must(script: string): Promise<string> {
    const { code, out } = await this.run(`set -eo pipefail\n${script}`);
    strictEqual(code, 0, `${script}\n${out}`);
    return out.trimEnd();
  }

  /** Waits until a script prints something like this; all that it printed then. */
  async prints(
    pattern: RegExp,
    script: string,
    everyMs = 1000,
  ): Promise<string> {
    const { deadlineMs } = this.#options;
    return await until(`the guest prints ${pattern}`, async () => {
      const { out } = await this.run(script);
      if (pattern.test(out)) return out;
      throw new Error(out.slice(-2000));
    }, { deadlineMs, everyMs });
  }

  async #run(script: string, deadlineMs: number): Promise<Ended> {
    const bytes = new TextEncoder().encode(script);
    await this.#connection.writeAll(
      new TextEncoder().encode(`${bytes.toBase64()}\n`),
    );
    const [code = "", printed = ""] = (await this.#line(deadlineMs)).split(" ");
    const out = new TextDecoder().decode(Uint8Array.fromBase64(printed));
    return { code: Number(code), out };
  }

  async #line(deadlineMs: number): Promise<string> {
    const late = setTimeout(() => this.#connection.close(), deadlineMs);
    try {
      for (;;) {
        const end = this.#rest.indexOf("\n");
        if (end >= 0) {
          const line = this.#rest.slice(0, end);
          this.#rest = this.#rest.slice(end + 1);
          return line.trim();
        }
        const { value } = await this.#reader.read();
        if (value === undefined) {
          throw new Error(
            `The guest answers no more; its console: ${await this.#options
              .trouble()}`,
          );
        }
        this.#rest += value;
      }
    } finally {
      clearTimeout(late);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    while ((await this.#reader.read()).value !== undefined);
  }
}
