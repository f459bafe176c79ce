/**
 * A program on a terminal of its own, for those that refuse to work without one;
 * what it says and hears is plain bytes to us.
 *
 * `script` of util-linux makes the terminal. It runs a command by way of a shell,
 * which gets fixed text alone: program and arguments come to it as variables.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import type { ByteConnection } from "./byte_connection.ts";

/** A terminal's line to the program on it. */
export interface TerminalChild extends ByteConnection {
  readonly pid: number;
  /** Resolves when the program has ended. */
  readonly ended: Promise<void>;
}

/** An argument: text, or one byte that is no text. */
export type Word = string | { readonly byte: number };

/** Passes every byte on as it is, and then becomes the program. */
const BECOME = 'stty raw -echo && eval "exec $USHER_WORDS"';

/** Starts a program on a terminal. Throws `unavailable` when that cannot be. */
export function openTerminalChild(
  program: string,
  args: readonly Word[],
): TerminalChild {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("script", {
      args: ["--quiet", "--flush", "--command", BECOME, "/dev/null"],
      env: environmentOf([program, ...args]),
      clearEnv: true,
      cwd: "/",
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot open a terminal: ${messageOf(error)}`,
      { cause: error, hint: "`script` of util-linux makes it." },
    );
  }
  const reader = child.stdout.getReader();
  let rest = new Uint8Array();
  const writer = child.stdin.getWriter();
  writer.closed.catch(() => {});
  let hasEnded = false;
  const ended = child.status.then(() => {
    hasEnded = true;
  });
  return {
    pid: child.pid,
    ended,
    async read(buffer) {
      if (rest.length === 0) {
        const { value, done } = await reader.read();
        if (done) return null;
        rest = value;
      }
      const part = rest.subarray(0, buffer.length);
      rest = rest.subarray(part.length);
      buffer.set(part);
      return part.length;
    },
    async writeAll(bytes) {
      await writer.write(bytes);
    },
    close() {
      void reader.cancel().catch(() => {});
      void writer.abort().catch(() => {});
      if (hasEnded) return;
      try {
        child.kill("SIGKILL"); // its terminal goes with it, and the program with that;
      } catch {
        // It has ended in this very moment.
      }
    },
  };
}

/** Each word as a variable, and the words of the command, which name them. */
function environmentOf(words: readonly Word[]): Record<string, string> {
  const texts = words.flatMap((word, index) =>
    typeof word === "string" ? [[`USHER_WORD_${index}`, word]] : []
  );
  const named = words.map((word, index) =>
    typeof word === "string"
      ? `"$USHER_WORD_${index}"`
      : `"$(printf '\\${word.byte.toString(8)}')"`
  );
  return {
    ...Object.fromEntries(texts),
    USHER_WORDS: named.join(" "),
    PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
    SHELL: "/bin/sh",
    TERM: "dumb",
    LC_ALL: "C",
  };
}
