/**
 * NDJSON answers: written at the reader's pace, ended with the controller.
 *
 * A reader that takes nothing for a minute is cut off: what it asked for
 * would be held for it for ever, and it can come back and resume.
 *
 * @module
 */
import { LineWriter } from "../../link/line_writer.ts";
import type { Clock } from "../../sys/clock.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";

/** What may be made before the reader takes it, in UTF-16 units. */
const AHEAD = 64 * 1024;

/** How long a reader may take nothing. */
const STALL_MS = 60_000;

/** What a stream needs of its site: when that ends, and its clock. */
export interface StreamingSite {
  readonly closing: AbortSignal;
  readonly context: { readonly clock: Clock };
}

/**
 * Streams what `produce` yields, one value a line. The reader's pace is the
 * producer's: little is made before it is asked for.
 */
export function ndjson(
  produce: (signal: AbortSignal) => AsyncIterable<unknown>,
  { closing, context: { clock } }: StreamingSite,
  { stallMs = STALL_MS }: { readonly stallMs?: number } = {},
): Response {
  const gone = new AbortController();
  const until = new JoinedSignal(gone.signal, closing);
  const writer = new LineWriter({
    onGone: () => gone.abort(),
    stall: { ms: stallMs, clock },
  });
  void write(produce(until.signal), writer, gone.signal)
    .finally(() => until[Symbol.dispose]());
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
