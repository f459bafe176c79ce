/**
 * Somebody on the way to a server who breaks a connection off once it has
 * become secure, to see whether the client goes on without.
 *
 * @module
 */

/** Passes on what goes there and back, until the client has said its first thing over TLS; counts connections. */
export function cutAfterStartTls(port: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let connections = 0;
  let isCut = false;
  void (async () => {
    for await (const near of listener) {
      connections++;
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      void far.readable.pipeTo(near.writable).catch(() => {});
      const cut = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          // 23: what is said once the connection is secure.
          if (chunk[0] === 23) {
            isCut = true;
            near.close();
            controller.terminate();
          } else controller.enqueue(chunk);
        },
      });
      void near.readable.pipeThrough(cut).pipeTo(far.writable).catch(() => {});
    }
  })();
  return {
    port: listener.addr.port,
    connections: () => connections,
    isCut: () => isCut,
    [Symbol.dispose]: () => listener.close(),
  };
}
