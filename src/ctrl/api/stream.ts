/**
 * NDJSON answers: written at the reader's pace, ended with the controller.
 *
 * @module
 */
import { LineWriter } from "../../link/line_writer.ts";

/** What may be made before the reader takes it, in UTF-16 units. */
const AHEAD = 64 * 1024;

/**
 * Streams what `produce` yields, one value a line. The reader's pace is the
 * producer's: little is made before it is asked for.
 */
export function ndjson(
  produce: (signal: AbortSignal) => AsyncIterable<unknown>,
  closing: AbortSignal,
): Response {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, closing]);
  const writer = new LineWriter(() => gone.abort());
  void write(produce(signal), writer, gone.signal);
  return new Response(writer.stream, {
    headers: {
      "content-type": "application/x-ndjson",
      "cache-control": "no-store",
    },
  });
}

async function write(
  values: AsyncIterable<unknown>,
  writer: LineWriter,
  gone: AbortSignal,
): Promise<void> {
  try {
    for await (const value of values) {
      if (gone.aborted) return;
      writer.write(value);
      await writer.untilBehind(AHEAD);
    }
    writer.end();
  } catch (error) {
    writer.end(error);
  }
}
