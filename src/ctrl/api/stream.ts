/**
 * NDJSON answers: written at the reader's pace, ended with the controller.
 *
 * A reader that takes nothing for a minute is cut off: what it asked for
 * would be held for it for ever, and it can come back and resume.
 *
 * @module
 */
import { encodeLine } from "../../link/ndjson.ts";

/** How long a reader may take for one line. */
const STALL_MS = 60_000;

/**
 * Streams what `produce` yields, one value a line. The reader's pace is the
 * producer's: nothing is made before it is asked for.
 */
export function ndjson(
  produce: (signal: AbortSignal) => AsyncIterable<unknown>,
  closing: AbortSignal,
  { stallMs = STALL_MS }: { readonly stallMs?: number } = {},
): Response {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, closing]);
  const iterator = produce(signal)[Symbol.asyncIterator]();
  let stalled: ReturnType<typeof setTimeout> | undefined;
  const end = async () => {
    clearTimeout(stalled);
    gone.abort();
    await iterator.return?.();
  };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      clearTimeout(stalled);
      const { done, value } = await iterator.next();
      if (done) return controller.close();
      controller.enqueue(encodeLine(value));
      stalled = setTimeout(() => {
        controller.error(new Error("The reader takes nothing"));
        void end();
      }, stallMs);
    },
    cancel: end,
  });
  return new Response(body, {
    headers: {
      "content-type": "application/x-ndjson",
      "cache-control": "no-store",
    },
  });
}
