/**
 * A child process as a connection: what is written goes to its standard input,
 * what it prints is read.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import type { ByteConnection } from "./unix_socket.ts";

/** Starts a program that ends with the connection. Throws `unavailable` when it cannot be run. */
export function connectPiped(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ByteConnection {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args: [...args],
      env: { ...env },
      clearEnv: true,
      cwd: "/",
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot run ${program}: ${messageOf(error)}`,
      { cause: error },
    );
  }
  const reader = child.stdout.getReader();
  const writer = child.stdin.getWriter();
  let rest: Uint8Array = new Uint8Array();
  let hasEnded = false;
  void child.status.then(() => hasEnded = true);
  return {
    async read(buffer) {
      if (rest.length === 0) {
        const { value, done } = await reader.read();
        if (done) return null;
        rest = value;
      }
      const part = rest.subarray(0, buffer.length);
      buffer.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    writeAll: (bytes) => writer.write(bytes),
    close() {
      if (!hasEnded) tryKill(child);
      void writer.close().catch(() => {});
      void reader.cancel().catch(() => {});
    },
  };
}

function tryKill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // It has ended in this very moment.
  }
}
