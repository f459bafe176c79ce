/**
 * NDJSON answers: written at the reader's pace, ended with the controller.
 *
 * @module
 */
import { encodeLine } from "../../link/ndjson.ts";

/**
 * Streams what `produce` yields, one value a line. The reader's pace is the
 * producer's: nothing is made before it is asked for.
 */
export function ndjson(
  produce: (signal: AbortSignal) => AsyncIterable<unknown>,
  closing: AbortSignal,
): Response {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, closing]);
  let iterator: AsyncIterator<unknown>;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start() {
      iterator = produce(signal)[Symbol.asyncIterator]();
    },
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(encodeLine(value));
    },
    async cancel() {
      gone.abort();
      await iterator.return?.();
    },
  });
  return new Response(body, {
    headers: {
      "content-type": "application/x-ndjson",
      "cache-control": "no-store",
    },
  });
}
