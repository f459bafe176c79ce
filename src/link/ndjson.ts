/**
 * NDJSON: one JSON value a line, with a limit on the line.
 *
 * Whatever a peer sends, the reader's memory stays bounded by the limit: a
 * longer line, invalid UTF-8, invalid JSON and half a line at the end are
 * errors that end the stream, each named.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import { joined } from "../sys/bytes.ts";

const encoder = new TextEncoder();
const NEWLINE = 10;

/** `value` as one line. */
export function encodeLine(value: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${JSON.stringify(value)}\n`);
}

/**
 * The values of a stream, one a line. Empty lines are skipped. Throws
 * `invalid_input` for a line over `maxBytes`, for invalid UTF-8 or JSON, and
 * `interrupted` when the stream ends within a line.
 */
export async function* decodeLines(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<unknown, void, void> {
  for await (const values of decodeTogether(stream, maxBytes)) {
    // Not `yield*`, which waits three times for each.
    for (const value of values) yield value;
  }
}

/**
 * As `decodeLines`, those together that came together: a turn of the event loop
 * for each of many values costs more than to read them.
 */
export async function* decodeTogether(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<readonly unknown[], void, void> {
  const lines = new Lines(maxBytes);
  for await (const chunk of stream) {
    const values: unknown[] = [];
    let wrong: unknown = null;
    try {
      lines.take(chunk, values);
    } catch (error) {
      wrong = error;
    }
    // What came before a line that is wrong is good.
    if (values.length > 0) yield values;
    if (wrong !== null) throw wrong;
  }
  lines.end();
}

/** Chunks cut into lines, which need not end where chunks do. */
class Lines {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #parts: Uint8Array[] = [];
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Adds the values of the lines that end in `chunk` to `values`. */
  take(chunk: Uint8Array, values: unknown[]): void {
    let from = 0;
    for (
      let at = chunk.indexOf(NEWLINE);
      at >= 0;
      at = chunk.indexOf(NEWLINE, from)
    ) {
      const line = this.#whole(chunk.subarray(from, at));
      from = at + 1;
      if (line.length > 0) values.push(parseLine(this.#decoder, line));
    }
    if (from === chunk.length) return;
    // A copy: the chunk's buffer may be used again by the stream.
    this.#parts.push(chunk.slice(from));
    this.#held += chunk.length - from;
    checkLength(this.#held, this.#maxBytes);
  }

  /** Throws `interrupted` within a line. */
  end(): void {
    if (this.#held === 0) return;
    throw new UsherError(
      "interrupted",
      `Cannot read the last line: the stream ended after ${this.#held} bytes of it`,
    );
  }

  /** The line that `end` ends. */
  #whole(end: Uint8Array): Uint8Array {
    const length = this.#held + end.length;
    checkLength(length, this.#maxBytes);
    const whole = this.#held === 0
      ? end
      : joined([...this.#parts, end], length);
    this.#parts = [];
    this.#held = 0;
    return whole;
  }
}

function checkLength(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) {
    throw new UsherError(
      "invalid_input",
      `Cannot read a line of more than ${maxBytes} bytes`,
    );
  }
}

function parseLine(decoder: TextDecoder, bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new UsherError(
      "invalid_input",
      "Cannot read a line: it is not valid UTF-8",
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsherError(
      "invalid_input",
      `Cannot read a line: ${messageOf(error)}`,
    );
  }
}
