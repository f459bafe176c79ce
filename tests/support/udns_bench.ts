/**
 * `udns` on the bench before a BIND of a test's own.
 *
 * @module
 */
import * as udns from "../../plugins/udns/plugin.ts";
import { BindServer } from "./bind_server.ts";
import { type Bench, onBench } from "./plugin_bench.ts";
import { until } from "./wait.ts";

/** What `ctrl_start` tells. */
export const SITE = {
  version: "0.0.0",
  epoch: 1,
  nameSuffix: "vm.test",
  startedAt: "2026-01-01T00:00:00.000Z",
};

/** The options of the plugin for the server of a test. */
export function optionsFor(
  { host, port }: { readonly host: string; readonly port: number },
  secretFile: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    server: host,
    port,
    zone: "vm.test",
    reverse_zones: ["1.10.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"],
    key: "usher-key",
    secret_file: secretFile,
    timeout: "2s",
    ...more,
  };
}

/** A name server and the plugin before it. */
export interface Started extends AsyncDisposable {
  readonly bind: BindServer;
  readonly bench: Bench;
  /** The file that holds the key. */
  readonly secret: string;
}

/** Starts both. */
export async function start(
  more: Record<string, unknown> = {},
): Promise<Started> {
  await using stack = new AsyncDisposableStack();
  const bind = stack.use(await BindServer.start());
  const secret = await bind.dir.write("key", `${bind.key.secret}\n`);
  const bench = stack.use(
    await onBench(udns, { options: optionsFor(bind, secret, more) }),
  );
  const kept = stack.move();
  return {
    bind,
    bench,
    secret,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Passes messages on, and turns each answer into "no such name". */
export function lyingProxy(
  port: number,
): Disposable & { readonly port: number } {
  return proxy(port, {
    answer(message) {
      // Two bytes of id, then the flags.
      message[3] = (message[3] ?? 0) | 3;
    },
  });
}

/** Counts what it passes on: updates, and questions for names and zones. */
export interface CountingProxy extends Disposable {
  readonly port: number;
  readonly counts: { queries: number; updates: number };
  /** So many updates are passed on; the next ones wait until there may be more. */
  most: number;
}

/** Passes messages on, and counts them. */
export function countingProxy(port: number): CountingProxy {
  const counts = { queries: 0, updates: 0 };
  const passed = proxy(port, {
    async question(message) {
      const opcode = ((message[2] ?? 0) >> 3) & 0xf;
      counts[opcode === UPDATE ? "updates" : "queries"]++;
      await until(
        "the test lets updates pass",
        () => counts.updates <= counting.most,
        { deadlineMs: 60_000 },
      );
    },
  });
  const counting: CountingProxy = {
    port: passed.port,
    counts,
    most: Infinity,
    [Symbol.dispose]: () => passed[Symbol.dispose](),
  };
  return counting;
}

const UPDATE = 5;

/** Passes whole messages on, shown to whoever may change them before. */
function proxy(port: number, { question = () => {}, answer = () => {} }: {
  readonly question?: (message: Uint8Array) => void | Promise<void>;
  readonly answer?: (message: Uint8Array) => void;
}): Disposable & { readonly port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const near of listener) {
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      void near.readable.pipeThrough(byMessage(question)).pipeTo(far.writable)
        .catch(() => {});
      void far.readable.pipeThrough(byMessage(answer)).pipeTo(near.writable)
        .catch(() => {});
    }
  })();
  return {
    port: listener.addr.port,
    [Symbol.dispose]: () => listener.close(),
  };
}

/** Each message, behind its two bytes of length, in a chunk of its own. */
function byMessage(
  see: (message: Uint8Array) => void | Promise<void>,
): TransformStream<Uint8Array, Uint8Array> {
  let kept = new Uint8Array();
  return new TransformStream({
    async transform(chunk, controller) {
      kept = new Uint8Array([...kept, ...chunk]);
      while (kept.length >= 2) {
        const end = 2 + ((kept[0] ?? 0) << 8) + (kept[1] ?? 0);
        if (kept.length < end) return;
        const message = kept.slice(0, end);
        kept = kept.slice(end);
        await see(message.subarray(2));
        controller.enqueue(message);
      }
    },
  });
}
