/**
 * The console of a domain, against a socket that serves one client at a time,
 * as QEMU's does.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { until, within } from "../../tests/support/wait.ts";
import type { ConsoleStream } from "./driver.ts";
import { consoleAt, ConsoleLine } from "./console_line.ts";

const DEADLINE_MS = 10_000;

/** Echoes what its one client sends; the next client waits until that one has left. */
class Serial implements AsyncDisposable {
  readonly #dir = Deno.makeTempDirSync({ prefix: "con" });
  readonly path = `${this.#dir}/serial`;
  readonly #listener = Deno.listen({ transport: "unix", path: this.path });
  readonly #serving: Promise<void>;
  #client: Deno.UnixConn | null = null;
  /** How many clients were served so far. */
  served = 0;

  constructor() {
    this.#serving = this.#serve();
  }

  async #serve(): Promise<void> {
    try {
      for await (const client of this.#listener) {
        this.served++;
        this.#client = client;
        const buffer = new Uint8Array(1024);
        for (
          let count = await client.read(buffer);
          count !== null;
          count = await client.read(buffer)
        ) await client.write(buffer.subarray(0, count));
        this.#client = null;
        client.close();
      }
    } catch {
      // The listener or the client was closed.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#client?.close();
    await this.#serving;
    await Deno.remove(this.#dir, { recursive: true });
  }
}

const never = new AbortController().signal;

async function echoOf(stream: ConsoleStream, text: string): Promise<string> {
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  await writer.write(new TextEncoder().encode(text));
  let heard = "";
  while (heard.length < text.length) {
    const { value, done } = await reader.read();
    if (done) break;
    heard += new TextDecoder().decode(value);
  }
  writer.releaseLock();
  reader.releaseLock();
  return heard;
}

Deno.test("ConsoleLine serves whoever attaches at the moment another leaves", async () => {
  await using serial = new Serial();
  const line = consoleAt(serial.path);
  for (let round = 0; round < 20; round++) {
    const stream = await line.attach(never);
    const text = `round ${round}`;
    strictEqual(
      await within(text, DEADLINE_MS, echoOf(stream, text)),
      text,
    );
    await stream[Symbol.asyncDispose]();
  }
  strictEqual(serial.served, 20);
  line.close();
});

/** A connection whose end is noticed only when the test says so. */
class LateConnection {
  readonly written: string[] = [];
  readonly #end = Promise.withResolvers<null>();

  read(): Promise<null> {
    return this.#end.promise;
  }

  writeAll(bytes: Uint8Array): Promise<void> {
    this.written.push(new TextDecoder().decode(bytes));
    return Promise.resolve();
  }

  close(): void {}

  notice(): void {
    this.#end.resolve(null);
  }
}

Deno.test("ConsoleLine keeps a new connection when the end of the one before is noticed late", async () => {
  const opened: LateConnection[] = [];
  const line = new ConsoleLine(() => {
    const connection = new LateConnection();
    opened.push(connection);
    return Promise.resolve(connection);
  });
  const before = await line.attach(never);
  await before[Symbol.asyncDispose]();
  const after = await line.attach(never);
  const reading = after.readable.getReader().read();

  opened[0]?.notice();
  await opened[0]?.read();
  await new Promise((resolve) => setTimeout(resolve));
  await after.writable.getWriter().write(new TextEncoder().encode("typed"));

  deepStrictEqual(opened.map(({ written }) => written), [[], ["typed"]]);
  await after[Symbol.asyncDispose]();
  opened[1]?.notice();
  strictEqual((await reading).done, true);
});

Deno.test("ConsoleLine shares one connection among all who are attached, and lets it go after the last", async () => {
  await using serial = new Serial();
  const line = consoleAt(serial.path);
  const streams = await Promise.all([1, 2, 3].map(() => line.attach(never)));
  const [first, ...others] = streams;
  strictEqual(await within("echo", DEADLINE_MS, echoOf(first!, "a")), "a");
  for (const other of others) {
    const { value } = await other.readable.getReader().read();
    deepStrictEqual(new TextDecoder().decode(value), "a");
  }
  strictEqual(serial.served, 1);
  for (const stream of streams) await stream[Symbol.asyncDispose]();
  await using _next = await line.attach(never);
  await until("the next is served", () => serial.served === 2, {
    deadlineMs: DEADLINE_MS,
  });
});

Deno.test("ConsoleLine fails to attach where nobody listens, and works once somebody does", async () => {
  const serial = new Serial();
  const line = consoleAt(`${serial.path}.none`);
  await rejects(line.attach(never), { code: "unavailable" });
  await rejects(line.attach(never), { code: "unavailable" });
  await serial[Symbol.asyncDispose]();
});
