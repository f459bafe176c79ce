/**
 * A list as one JSON object, made as its reader takes it: thousands of VMs are
 * never one text in memory, and the first of them leave while the last are
 * still records.
 *
 * A reader that takes nothing for a minute is cut off, as one of a stream is.
 *
 * @module
 */
import type { StreamingSite } from "./stream.ts";

/** How long a reader may take nothing. */
const STALL_MS = 60_000;

/** What is made at once of a list; a shorter one is sent whole. */
const PIECE = 256;

/** An answer of `head` and, under `key`, what `show` makes of each of `values`. */
export function jsonList<T>(
  head: Readonly<Record<string, unknown>>,
  key: string,
  values: readonly T[],
  show: (value: T) => unknown,
  { context: { clock } }: StreamingSite,
  { stallMs = STALL_MS }: { readonly stallMs?: number } = {},
): Response {
  const headers = { "content-type": "application/json" };
  if (values.length <= PIECE) {
    const whole = { ...head, [key]: values.map(show) };
    return new Response(JSON.stringify(whole), { headers });
  }
  const pieces = jsonPieces(head, key, values, show);
  const encoder = new TextEncoder();
  let stall: Disposable | undefined;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      stall?.[Symbol.dispose]();
      const { value, done } = pieces.next();
      if (done === true) return controller.close();
      controller.enqueue(encoder.encode(value));
      stall = clock.after(stallMs, () => {
        pieces.return(undefined);
        controller.error(
          new Error(`The reader took nothing for ${stallMs} ms`),
        );
      });
    },
    cancel() {
      stall?.[Symbol.dispose]();
      pieces.return(undefined);
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers });
}

function* jsonPieces<T>(
  head: Readonly<Record<string, unknown>>,
  key: string,
  values: readonly T[],
  show: (value: T) => unknown,
): Generator<string, undefined> {
  const before = Object.entries(head)
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)},`)
    .join("");
  let text = `{${before}${JSON.stringify(key)}:[`;
  for (let from = 0; from < values.length; from += PIECE) {
    const part = values.slice(from, from + PIECE).map(show);
    yield text + JSON.stringify(part).slice(1, -1);
    text = ",";
  }
  yield "]}";
}
