/**
 * `udns` on the bench before a BIND of a test's own.
 *
 * @module
 */
import * as udns from "../../plugins/udns/plugin.ts";
import { BindServer } from "./bind_server.ts";
import { type Bench, onBench } from "./plugin_bench.ts";

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
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const near of listener) {
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      void near.readable.pipeTo(far.writable).catch(() => {});
      let isFirst = true;
      const lie = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          // Two bytes of length, two of id, then the flags.
          if (isFirst && chunk.length > 5) chunk[5] = (chunk[5] ?? 0) | 3;
          isFirst = false;
          controller.enqueue(chunk);
        },
      });
      void far.readable.pipeThrough(lie).pipeTo(near.writable).catch(() => {});
    }
  })();
  return {
    port: listener.addr.port,
    [Symbol.dispose]: () => listener.close(),
  };
}
