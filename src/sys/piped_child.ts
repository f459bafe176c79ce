/**
 * A child process as a connection: what is written goes to its standard input,
 * what it prints is read.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { messageOf, UsherError } from "../error/mod.ts";
import type { ByteConnection } from "./byte_connection.ts";

/** What else a child may need. */
export interface PipedOptions {
  /** The file to which its complaints are appended; nobody hears them when absent. */
  readonly complaints?: string;
  /** What ends it with the connection. */
  readonly endBy?: "SIGTERM" | "SIGKILL";
}

/**
 * Starts a program that ends with the connection. Throws `unavailable` when it
 * cannot be run.
 */
export function connectPiped(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { complaints, endBy = "SIGTERM" }: PipedOptions = {},
): ByteConnection {
  const errors = complaints === undefined
    ? "ignore" as const
    : openSync(complaints, "a", 0o600);
  try {
    const child = spawn(program, [...args], {
      stdio: ["pipe", "pipe", errors],
      env: { ...env },
      cwd: "/",
    });
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {}); // told to whoever reads
    child.once("error", (error) =>
      failed.reject(
        new UsherError(
          "unavailable",
          `Cannot run ${program}: ${messageOf(error)}`,
          { cause: error },
        ),
      ));
    return overStreams(child.stdout!, child.stdin!, failed.promise, () => {
      child.kill(endBy);
    });
  } finally {
    if (typeof errors === "number") closeSync(errors);
  }
}

/** The standard streams of this process as a connection. */
export function standardStreams(): ByteConnection {
  return {
    read: (buffer) => Deno.stdin.read(buffer),
    async writeAll(bytes) {
      for (let done = 0; done < bytes.length;) {
        done += await Deno.stdout.write(bytes.subarray(done));
      }
    },
    close() {
      Deno.stdin.close();
      Deno.stdout.close();
    },
  };
}

function overStreams(
  readable: Readable,
  writable: Writable,
  failed: Promise<never>,
  end: () => void,
): ByteConnection {
  const chunks = readable[Symbol.asyncIterator]();
  // A write that fails is told to whoever wrote; the event would end the process.
  writable.on("error", () => {});
  let rest: Uint8Array = new Uint8Array();
  return {
    async read(buffer) {
      while (rest.length === 0) {
        const next = await Promise.race([chunks.next(), failed]);
        if (next.done === true) return null;
        rest = next.value as Uint8Array;
      }
      const part = rest.subarray(0, buffer.length);
      buffer.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    writeAll: (bytes) =>
      new Promise((done, fail) =>
        writable.write(
          bytes.slice(),
          (error) => error == null ? done() : fail(error),
        )
      ),
    close() {
      end();
      writable.end();
      readable.destroy();
    },
  };
}
