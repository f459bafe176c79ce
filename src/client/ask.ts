/**
 * Questions on the terminal: a line, a yes, a password without echo.
 *
 * @module
 */
import type { Io } from "./io.ts";

const ENTER = [10, 13];
const CTRL_C = 3;
const CTRL_D = 4;
const CTRL_U = 21;
const ERASE = [8, 127];

/** A person pressed Ctrl-C at a question. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Asks for one line; empty for Enter alone. */
export async function askLine(io: Io, question: string): Promise<string> {
  io.stderr.write(question);
  return await readLine(io) ?? "";
}

/** Asks for yes or no; anything else than yes is no. */
export async function askYes(io: Io, question: string): Promise<boolean> {
  return /^y(es)?$/i.test((await askLine(io, `${question} [y/N] `)).trim());
}

/** Asks for a secret; what is typed is not shown. */
export async function askSecret(io: Io, question: string): Promise<string> {
  // Before the question, or a quick answer is shown.
  io.stdin.setRaw(true);
  try {
    io.stderr.write(question);
    return await readRaw(io);
  } finally {
    io.stdin.setRaw(false);
    io.stderr.write("\n");
  }
}

async function readRaw(io: Io): Promise<string> {
  let typed: number[] = [];
  for await (const chunk of io.stdin.chunks()) {
    for (const byte of chunk) {
      if (ENTER.includes(byte) || byte === CTRL_D) return decode(typed);
      if (byte === CTRL_C) throw new Interrupted("interrupted");
      if (byte === CTRL_U) typed = [];
      else if (ERASE.includes(byte)) typed = withoutLast(typed);
      else typed.push(byte);
    }
  }
  return decode(typed);
}

/** Takes the last character away, which in UTF-8 may be several bytes. */
function withoutLast(bytes: readonly number[]): number[] {
  let end = bytes.length - 1;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.slice(0, Math.max(0, end));
}

function decode(bytes: readonly number[]): string {
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** The first line of standard input, or null at its end. */
export async function readLine(io: Io): Promise<string | null> {
  const bytes: number[] = [];
  for await (const chunk of io.stdin.chunks()) {
    const end = chunk.indexOf(10);
    bytes.push(...(end < 0 ? chunk : chunk.subarray(0, end)));
    if (end >= 0) return decode(bytes).replace(/\r$/, "");
  }
  return bytes.length === 0 ? null : decode(bytes);
}
