/**
 * Two-way bytes, whatever they go through: a socket, TLS between nodes, the
 * streams of a child.
 *
 * @module
 */

/** An open connection. `read` fails once it is closed. */
export interface ByteConnection {
  /** Fills the start of `buffer`; null when the peer has ended. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes all of `bytes`. */
  writeAll(bytes: Uint8Array): Promise<void>;
  /** Ends it at once; may be called twice. */
  close(): void;
}

/** A connection of this machine, or of TLS, as one. */
export function asBytes(connection: Deno.Conn): ByteConnection {
  return {
    read: (buffer) => connection.read(buffer),
    async writeAll(bytes) {
      for (let done = 0; done < bytes.length;) {
        done += await connection.write(bytes.subarray(done));
      }
    },
    close: () => closeQuietly(connection),
  };
}

/** Closes what may have been closed before. */
export function closeQuietly(its: { close(): void }): void {
  try {
    its.close();
  } catch {
    // Closed before.
  }
}
