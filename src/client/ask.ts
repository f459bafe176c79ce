/**
 * Questions on the terminal: a line, a yes, a password without echo.
 *
 * @module
 */
import type { Io } from "./io.ts";

const NEWLINE = 10;
const ENTER = [NEWLINE, 13];
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

/** So often somebody is asked who answers neither yes nor no. */
const TIMES = 3;

/**
 * Asks for yes or no; Enter alone is no. What is neither is asked about again:
 * who typed it took the question for another, such as one for a password.
 */
export async function askYes(io: Io, question: string): Promise<boolean> {
  for (let i = 0; i < TIMES; i++) {
    const answer = (await askLine(io, `${question} [y/N] `)).trim();
    if (/^y(es)?$/i.test(answer)) return true;
    if (answer === "" || /^no?$/i.test(answer)) return false;
    io.stderr.write("Please answer yes or no.\n");
  }
  return false;
}

/** Asks for a secret; see `askSecrets`. */
export async function askSecret(io: Io, question: string): Promise<string> {
  const [secret = ""] = await askSecrets(io, [question]);
  return secret;
}

/**
 * Asks for one secret after another; what is typed is not shown, also between
 * them, and what is pasted for several at once is taken so. The terminal shows
 * again what is typed, however this ends: also when a signal ends it.
 */
export async function askSecrets(
  io: Io,
  questions: readonly string[],
): Promise<string[]> {
  const killed = Promise.withResolvers<never>();
  using _signal = io.onInterrupt(() =>
    killed.reject(new Interrupted("interrupted"))
  );
  // Before the question, or a quick answer is shown.
  io.stdin.setRaw(true);
  try {
    return await Promise.race([readSecrets(io, questions), killed.promise]);
  } finally {
    io.stdin.setRaw(false);
    io.stderr.write("\n");
  }
}

async function readSecrets(
  io: Io,
  [question, ...others]: readonly string[],
): Promise<string[]> {
  const secrets: string[] = [];
  let typed: number[] = [];
  io.stderr.write(question ?? "");
  for await (const chunk of io.stdin.chunks()) {
    for (const byte of chunk) {
      if (byte === CTRL_C) throw new Interrupted("interrupted");
      if (ENTER.includes(byte) || byte === CTRL_D) {
        secrets.push(decode(typed));
        typed = [];
        const next = others.shift();
        if (next === undefined) return secrets;
        io.stderr.write(`\r\n${next}`);
      } else if (byte === CTRL_U) typed = [];
      else if (ERASE.includes(byte)) typed = withoutLast(typed);
      else typed.push(byte);
    }
  }
  return [...secrets, decode(typed)];
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
  return await new LineReader(io).next();
}

/** Lines of standard input, one after another; what follows a line is not lost. */
export class LineReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #bytes: number[] = [];

  constructor(io: Io) {
    this.#chunks = io.stdin.chunks()[Symbol.asyncIterator]();
  }

  /** The next line, or null at the end. */
  async next(): Promise<string | null> {
    for (;;) {
      const end = this.#bytes.indexOf(NEWLINE);
      if (end >= 0) {
        const line = this.#bytes.splice(0, end + 1).slice(0, end);
        return decode(line).replace(/\r$/, "");
      }
      const { done, value } = await this.#chunks.next();
      if (done) break;
      this.#bytes.push(...value);
    }
    const rest = this.#bytes.splice(0);
    return rest.length === 0 ? null : decode(rest);
  }
}
