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
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (
      let at = chunk.indexOf(NEWLINE);
      at >= 0;
      at = chunk.indexOf(NEWLINE, from)
    ) {
      const line = chunk.subarray(from, at);
      from = at + 1;
      checkLength(held + line.length, maxBytes);
      const whole = parts.length === 0
        ? line
        : joined([...parts, line], held + line.length);
      parts = [];
      held = 0;
      if (whole.length > 0) yield parseLine(decoder, whole);
    }
    if (from < chunk.length) {
      // A copy: the chunk's buffer may be used again by the stream.
      parts.push(chunk.slice(from));
      held += chunk.length - from;
      checkLength(held, maxBytes);
    }
  }
  if (held > 0) {
    throw new UsherError(
      "interrupted",
      `Cannot read the last line: the stream ended after ${held} bytes of it`,
    );
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
