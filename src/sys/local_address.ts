/**
 * Which of its own addresses this machine uses towards another.
 *
 * @module
 */

/** The address of this machine that `hostname:port` sees. Aborting `signal` gives up. */
export async function localAddressTowards(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<string> {
  const connecting = Deno.connect({ hostname, port });
  const { promise: given, reject: giveUp } = Promise.withResolvers<never>();
  const onAbort = () => {
    giveUp(signal.reason);
    connecting.then((late) => late.close(), () => {});
  };
  signal.throwIfAborted();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    using connection = await Promise.race([connecting, given]);
    return connection.localAddr.hostname;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
