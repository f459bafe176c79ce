/**
 * The body of an answer as it comes, given up with a signal.
 *
 * That is not left to the signal that `fetch` was given: Deno forgets it now and
 * then once the headers are there, and a stream that nobody reads any more would
 * go on for ever, with its beats, on a connection that others share.
 *
 * @module
 */

/** What comes of `body` until its end, or until `signal` aborts, which throws its reason. */
export async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = body.getReader();
  const stop = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}
