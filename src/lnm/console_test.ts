import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { Console, Driver } from "../driver/driver.ts";
import { UsherError } from "../error/mod.ts";
import { silentLog } from "../sys/log.ts";
import { type ConsoleParts, serveConsole } from "./console.ts";
import type { Uplink } from "./uplink.ts";

const FRAME = {
  type: "console",
  id: "c1",
  driver: "sim",
  uid: "01J00000000000000000000000",
  historyBytes: 0,
} as const;

type Result = Parameters<ConsoleParts["fails"]>[0];

/** What the controller is told of a console of this driver. */
async function told(console: Console | undefined): Promise<Result[]> {
  const results: Result[] = [];
  const driver = { name: "sim", console } as unknown as Driver;
  const uplink = {
    // The controller ends the stream, as it does when the client has left.
    console: () =>
      Promise.resolve(new ReadableStream({ start: (c) => c.error() })),
  } as unknown as Uplink;
  await serveConsole(
    { driver, uplink, log: silentLog, fails: (one) => void results.push(one) },
    FRAME,
    new AbortController().signal,
  );
  return results;
}

Deno.test("a console that cannot be opened is told of with its reason, and one that ends is not", async () => {
  const [none] = await told(undefined);
  deepStrictEqual([none?.id, none?.domain], ["c1", null]);
  match(none?.problem?.detail ?? "", /Driver "sim" has no console/);

  const history = () => Promise.resolve(new Uint8Array());
  const busy = new UsherError("busy", "Somebody has its serial line");
  const [taken] = await told({ history, attach: () => Promise.reject(busy) });
  strictEqual(taken?.problem?.code, "busy");

  const stream = {
    readable: new ReadableStream<Uint8Array>(),
    writable: new WritableStream<Uint8Array>(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const opened = { history, attach: () => Promise.resolve(stream) };
  deepStrictEqual(await told(opened), []);
});
