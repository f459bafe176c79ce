/**
 * The serial line of one domain: many readers and writers on a line
 * that serves one, such as a unix socket of QEMU's.
 *
 * The line is connected while anyone is attached and let go after the last
 * has left. It is always read at full speed, since a guest whose console
 * nobody drains would stand still at its next line; whoever reads too slowly
 * is cut off instead. What nobody read is in the log, which the hypervisor
 * writes by itself.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { ByteConnection } from "../sys/byte_connection.ts";
import { connectUnix } from "../sys/unix_socket.ts";
import type { ConsoleStream } from "./driver.ts";

const READ_BYTES = 16 * 1024;
const MAX_QUEUED_BYTES = 1024 * 1024;

type Reader = ReadableStreamDefaultController<Uint8Array>;

/** The console of one domain. */
export class ConsoleLine {
  readonly #open: () => Promise<ByteConnection>;
  readonly #readers = new Set<Reader>();
  #connection: Promise<ByteConnection> | null = null;

  /** `open` connects to the line, which is done when the first comes. */
  constructor(open: () => Promise<ByteConnection>) {
    this.#open = open;
  }

  /** A stream of its own for one more reader and writer. */
  async attach(signal: AbortSignal): Promise<ConsoleStream> {
    signal.throwIfAborted();
    await this.#connect();
    let reader: Reader | null = null;
    const leave = () => {
      if (reader === null) return;
      this.#drop(reader);
      closeQuietly(reader);
      reader = null;
    };
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        reader = controller;
        this.#readers.add(controller);
      },
      cancel: leave,
    }, new ByteLengthQueuingStrategy({ highWaterMark: MAX_QUEUED_BYTES }));
    const writable = new WritableStream<Uint8Array>({
      write: async (bytes) => {
        if (reader === null) {
          throw new UsherError(
            "unavailable",
            "Cannot write: the console is closed",
          );
        }
        await (await this.#connect()).writeAll(bytes);
      },
    });
    signal.addEventListener("abort", leave, { once: true });
    return {
      readable,
      writable,
      [Symbol.asyncDispose]() {
        signal.removeEventListener("abort", leave);
        leave();
        return Promise.resolve();
      },
    };
  }

  /** Ends every stream. */
  close(): void {
    for (const reader of [...this.#readers]) {
      this.#drop(reader);
      closeQuietly(reader);
    }
  }

  #connect(): Promise<ByteConnection> {
    if (this.#connection !== null) return this.#connection;
    const connection = this.#open();
    this.#connection = connection;
    const end = () => {
      // Another may have been opened since the last reader of this one left.
      if (this.#connection !== connection) return;
      this.#connection = null;
      this.close();
    };
    connection.then((open) => this.#pump(open)).then(end, end);
    return connection;
  }

  async #pump(connection: ByteConnection): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    try {
      for (;;) {
        const count = await connection.read(buffer);
        if (count === null) break;
        for (const reader of [...this.#readers]) {
          this.#hand(reader, buffer.slice(0, count));
        }
      }
    } catch {
      // Closed by us, or QEMU is gone: either way the line is over.
    }
    connection.close();
  }

  #hand(reader: Reader, bytes: Uint8Array): void {
    if ((reader.desiredSize ?? 0) > 0) return reader.enqueue(bytes);
    this.#drop(reader);
    reader.error(
      new UsherError(
        "unavailable",
        "The console was cut off: its reader is too slow",
      ),
    );
  }

  #drop(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    const connection = this.#connection;
    this.#connection = null;
    void connection?.then((open) => open.close(), () => {});
  }
}

/** The console whose line is the unix socket at `path`. */
export function consoleAt(path: string): ConsoleLine {
  return new ConsoleLine(() => connectUnix(path));
}

function closeQuietly(reader: Reader): void {
  try {
    reader.close();
  } catch {
    // Closed or in error before.
  }
}
