/**
 * Unix sockets, as plain bytes.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";

/** An open connection. `read` fails once it is closed. */
export interface ByteConnection {
  /** Fills the start of `buffer`; null when the peer has ended. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes all of `bytes`. */
  writeAll(bytes: Uint8Array): Promise<void>;
  /** Ends it at once; may be called twice. */
  close(): void;
}

/** Connects to the socket at `path`. Throws `unavailable` when nobody listens there. */
export async function connectUnix(path: string): Promise<ByteConnection> {
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot connect to ${path}: ${messageOf(error)}`,
      { cause: error },
    );
  }
  return asConnection(connection);
}

function asConnection(connection: Deno.UnixConn): ByteConnection {
  let closed = false;
  return {
    read: (buffer) => connection.read(buffer),
    async writeAll(bytes) {
      for (let done = 0; done < bytes.length;) {
        done += await connection.write(bytes.subarray(done));
      }
    },
    close() {
      if (closed) return;
      closed = true;
      connection.close();
    },
  };
}
