/**
 * JSON messages over a byte connection, one a line.
 *
 * Knows nothing of QMP. A line over the limit, invalid UTF-8, invalid JSON and
 * half a message at the end are errors of the peer, each named; whatever it
 * sends, what is held in memory stays under the limit.
 *
 * @module
 */
import { messageOf } from "../../../error/mod.ts";
import { joined } from "../../../sys/bytes.ts";
import type { ByteConnection } from "../../../sys/byte_connection.ts";
import { protocolError } from "./error.ts";

const NEWLINE = 10;
const READ_BYTES = 16 * 1024;
const encoder = new TextEncoder();

/** Writes one message. */
export function writeMessage(
  connection: ByteConnection,
  message: unknown,
): Promise<void> {
  return connection.writeAll(encoder.encode(`${JSON.stringify(message)}\n`));
}

/** The messages of a connection, until its peer ends. */
export async function* readMessages(
  connection: ByteConnection,
  maxBytes: number,
): AsyncGenerator<Record<string, unknown>, void, void> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for (;;) {
    const buffer = new Uint8Array(READ_BYTES);
    const count = await connection.read(buffer);
    if (count === null) break;
    let rest = buffer.subarray(0, count);
    for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE)) {
      const line = joined([...parts, rest.subarray(0, at)], held + at);
      rest = rest.subarray(at + 1);
      parts = [];
      held = 0;
      if (line.length > 1) yield parseMessage(line);
    }
    parts.push(rest);
    held += rest.length;
    if (held > maxBytes) {
      throw protocolError(`a message of more than ${maxBytes} bytes`);
    }
  }
  if (held > 0) {
    throw protocolError(`its last message ends after ${held} bytes`);
  }
}

function parseMessage(line: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line));
  } catch (error) {
    throw protocolError(messageOf(error), error);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw protocolError("a message that is no object");
  }
  return value as Record<string, unknown>;
}
