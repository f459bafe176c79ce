/**
 * A child process that is this one's own: it is told something on its standard
 * input, what it writes is heard line by line, and it is killed when it is no
 * longer wanted.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import type { Exit } from "./child.ts";

/** A child that this process owns. */
export interface OwnedChild {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Kills it; nothing happens once it has ended. */
  kill(): void;
}

/** What goes to it, and where what it writes goes. */
export interface OwnedOptions {
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** All that it ever reads on its standard input. */
  readonly input: string;
  /** A line of its output, cut to `maxLine` characters. */
  onLine(stream: "stdout" | "stderr", line: string): void;
  readonly maxLine: number;
}

/** Starts a program. Throws `unavailable` when it cannot be run. */
export function spawnOwned(
  program: string,
  args: readonly string[],
  { env, input, onLine, maxLine }: OwnedOptions,
): OwnedChild {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args: [...args],
      env: { ...env },
      clearEnv: true,
      cwd: "/",
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot run ${program}: ${messageOf(error)}`,
      { cause: error },
    );
  }
  const over = new AbortController();
  const read = Promise.all(
    (["stdout", "stderr"] as const).map((stream) =>
      hearLines(
        child[stream].getReader(),
        maxLine,
        (line) => onLine(stream, line),
        over.signal,
      )
    ),
  );
  void tell(child.stdin, input);
  let hasEnded = false;
  const exited = child.status.then(async ({ code, signal }) => {
    hasEnded = true;
    // A child of its own that lives on may hold its output for ever.
    const late = setTimeout(() => over.abort(), LAST_WORDS_MS);
    await read;
    clearTimeout(late);
    return { code, signal };
  });
  return {
    pid: child.pid,
    exited,
    kill: () => {
      if (!hasEnded) tryKill(child);
    },
  };
}

/** So long after its end what it said last may take to be read. */
const LAST_WORDS_MS = 1000;

function tryKill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended in this very moment.
  }
}

async function tell(
  stdin: WritableStream<Uint8Array>,
  input: string,
): Promise<void> {
  try {
    const writer = stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch {
    // It ended before it read; its exit says so.
  }
}

/** So much is read of a child's output at once, and a fresh share each time so long has passed. */
const SHARE_BYTES = 256 * 1024;
const SHARE_MS = 250;

/**
 * Holds one line at most, and of a line too long its start alone. A child that
 * writes faster than it is read waits: hearing it is work for this process.
 */
async function hearLines(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxLine: number,
  onLine: (line: string) => void,
  over: AbortSignal,
): Promise<void> {
  const end = () => void reader.cancel().catch(() => {});
  over.addEventListener("abort", end, { once: true });
  const decoder = new TextDecoder();
  let line = "";
  let share = SHARE_BYTES;
  let sharedAt = performance.now();
  try {
    for (;;) {
      const { value: chunk, done } = await reader.read();
      if (done) break;
      const [first = "", ...more] = decoder.decode(chunk, { stream: true })
        .split("\n");
      line = (line + first).slice(0, maxLine);
      for (const next of more) {
        if (line !== "") onLine(line);
        line = next.slice(0, maxLine);
      }
      share -= chunk.length;
      if (share > 0) continue;
      const leftMs = sharedAt + SHARE_MS - performance.now();
      if (leftMs > 0) await new Promise((go) => setTimeout(go, leftMs));
      share = SHARE_BYTES;
      sharedAt = performance.now();
    }
  } catch {
    // The pipe broke with its process.
  }
  if (line !== "") onLine(line);
}
