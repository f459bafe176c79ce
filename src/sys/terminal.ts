/**
 * Saying things to people who run a role, and asking them.
 *
 * @module
 */

const encoder = new TextEncoder();

/** Writes a line; a reader that is gone is nobody's mistake. */
export function say(line: string, to: "stdout" | "stderr" = "stdout"): void {
  try {
    Deno[to].writeSync(encoder.encode(`${line}\n`));
  } catch {
    // The pipe is closed.
  }
}

/** Whether somebody is there to answer. */
export function isInteractive(): boolean {
  return Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
}

/** Asks and waits for a line; null at the end of input. */
export async function ask(question: string): Promise<string | null> {
  Deno.stdout.writeSync(encoder.encode(question));
  const buffer = new Uint8Array(1024);
  const length = await Deno.stdin.read(buffer);
  return length === null
    ? null
    : new TextDecoder().decode(buffer.subarray(0, length)).trim();
}

/** Whether somebody sees standard error as it is written. */
export function isErrorTerminal(): boolean {
  return Deno.stderr.isTerminal();
}

/** Writes a line to the terminal over the one that was written so before. */
export function sayOver(line: string): void {
  Deno.stderr.writeSync(encoder.encode(`\r\x1b[K${line}`));
}
