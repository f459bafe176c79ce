/**
 * Child processes: those that outlive this process, and short ones whose
 * answer is waited for. Arguments are an array, and no shell is ever between.
 *
 * A long-lived child gets a session of its own and files for its output:
 * with pipes it would die of SIGPIPE some time after this process did.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Buffer } from "node:buffer";
import { messageOf, UsherError } from "../error/mod.ts";

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  /** The signal's name, such as `SIGKILL`; null when none ended it. */
  readonly signal: string | null;
}

/** A child that lives on when this process ends. */
export interface DetachedChild {
  readonly pid: number;
  readonly exited: Promise<Exit>;
}

/** All that a child has of this process, which it outlives. */
export interface DetachedOptions {
  /** The whole environment of the child. */
  readonly env: Readonly<Record<string, string>>;
  /** Where standard output and standard error are appended. */
  readonly outputPath: string;
}

/** Starts a program that outlives this one. Throws `not_found` when there is no such program. */
export async function spawnDetached(
  program: string,
  args: readonly string[],
  { env, outputPath }: DetachedOptions,
): Promise<DetachedChild> {
  const output = openSync(outputPath, "a", 0o600);
  try {
    const child = spawn(program, [...args], {
      detached: true,
      stdio: ["ignore", output, output],
      env: { ...env },
      cwd: "/",
    });
    const started = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<Exit>();
    child.once("error", started.reject);
    child.once("exit", (code, signal) => exited.resolve(toExit(code, signal)));
    if (child.pid === undefined) await started.promise;
    child.unref();
    return { pid: child.pid!, exited: exited.promise };
  } catch (error) {
    throw cannotRun(program, error);
  } finally {
    closeSync(output);
  }
}

/** What a short command answered. */
export interface CommandResult extends Exit {
  readonly stdout: string;
  readonly stderr: string;
  /** It was killed because its time was over. */
  readonly timedOut: boolean;
}

/** In the environment of every short command, so that it is not taken for work of somebody else's. */
export const HELPER_VARIABLE = "USHER_HELPER";

const MAX_OUTPUT = 1024 * 1024;

/**
 * Runs a command to its end, or kills it when `deadlineMs` are over or `signal`
 * aborts, and then throws the signal's reason. Throws `not_found` when there
 * is no such program.
 */
export function runCommand(
  program: string,
  args: readonly string[],
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<CommandResult> {
  const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
  const child = spawn(program, [...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
      LC_ALL: "C",
      [HELPER_VARIABLE]: "1",
    },
    cwd: "/",
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, deadlineMs);
  const kill = () => child.kill("SIGKILL");
  if (signal?.aborted) kill();
  signal?.addEventListener("abort", kill, { once: true });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  child.once("error", (error) => {
    clearTimeout(timer);
    reject(cannotRun(program, error));
  });
  child.once("exit", () => {
    // A child of its own that lives on may hold both open for ever.
    const isKilled = timedOut || signal?.aborted;
    if (isKilled) {
      for (const end of [child.stdout, child.stderr]) end.destroy();
    }
  });
  child.once("close", (code, killer) => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", kill);
    if (signal?.aborted) return reject(signal.reason);
    resolve({
      ...toExit(code, killer),
      stdout: stdout(),
      stderr: stderr(),
      timedOut,
    });
  });
  return promise;
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Uint8Array[] = [];
  let size = 0;
  stream.on("data", (chunk: Uint8Array) => {
    size += chunk.length;
    if (size <= MAX_OUTPUT) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

const SIGNALS: Readonly<Record<number, string>> = {
  6: "SIGABRT",
  9: "SIGKILL",
  11: "SIGSEGV",
  15: "SIGTERM",
};

function toExit(code: number | null, signal: string | null): Exit {
  // Deno 2.6 tells a signal as the exit code that a shell would give it.
  const hidden = signal === null && code !== null && code > 128
    ? SIGNALS[code - 128]
    : undefined;
  return hidden === undefined
    ? { code, signal }
    : { code: null, signal: hidden };
}

function cannotRun(program: string, error: unknown): UsherError {
  return new UsherError(
    "not_found",
    `Cannot run ${program}: ${messageOf(error)}`,
    { cause: error },
  );
}
