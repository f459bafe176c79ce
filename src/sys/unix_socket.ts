/**
 * Unix sockets, as plain bytes.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import { asBytes, type ByteConnection } from "./byte_connection.ts";

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
  return asBytes(connection);
}

/** A socket that waits for one peer. */
export interface Meeting extends Disposable {
  /** The first peer that says `secret` in its first line; others are sent away. */
  readonly peer: Promise<ByteConnection>;
}

/**
 * Waits at `path`, which must not be there, for a peer that knows `secret`.
 * Disposing ends the wait, not the connection; the path is gone either way.
 */
export function meetAt(path: string, secret: string): Meeting {
  const listener = Deno.listen({ transport: "unix", path });
  const peer = (async () => {
    for (;;) {
      const connection = asBytes(await listener.accept());
      if (await saysFirst(connection, secret)) {
        closeListener(listener, path);
        return connection;
      }
      connection.close();
    }
  })();
  peer.catch(() => {}); // told to whoever asks
  return { peer, [Symbol.dispose]: () => closeListener(listener, path) };
}

/** Whether a line of exactly these characters comes first, and nothing after it yet. */
async function saysFirst(
  connection: ByteConnection,
  secret: string,
): Promise<boolean> {
  const line = new TextEncoder().encode(`${secret}\n`);
  const said = new Uint8Array(line.length);
  for (let done = 0; done < line.length;) {
    const count = await connection.read(said.subarray(done)).catch(() => null);
    if (count === null) return false;
    done += count;
  }
  return said.every((byte, at) => byte === line[at]);
}

function closeListener(listener: Deno.Listener, path: string): void {
  try {
    listener.close();
    Deno.removeSync(path);
  } catch {
    // Closed before.
  }
}

/** The longest line that is taken from a peer. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/**
 * Serves the socket at `path`, which must not be there: one line comes in on a
 * connection, and the one that `answer` gives goes out. A connection on which
 * anything fails is closed.
 */
export function serveLines(
  path: string,
  answer: (line: string) => Promise<string>,
): Disposable {
  const listener = Deno.listen({ transport: "unix", path });
  void (async () => {
    for await (const accepted of listener) {
      const connection = asBytes(accepted);
      void readLine(connection)
        .then(async (line) => await writeLine(connection, await answer(line)))
        .catch(() => {})
        .finally(() => connection.close());
    }
  })().catch(() => {}); // closed
  return { [Symbol.dispose]: () => listener.close() };
}

/** Sends one line to `path` and answers the one that comes back. Throws `unavailable`. */
export async function askLine(
  path: string,
  line: string,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const connection = await connectUnix(path);
  const stop = () => connection.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) stop();
    await writeLine(connection, line);
    return await readLine(connection);
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot get an answer from ${path}: ${
        messageOf(signal.aborted ? signal.reason : error)
      }`,
      { cause: error },
    );
  } finally {
    signal.removeEventListener("abort", stop);
    connection.close();
  }
}

async function writeLine(
  connection: ByteConnection,
  line: string,
): Promise<void> {
  await connection.writeAll(new TextEncoder().encode(`${line}\n`));
}

/** The first line of a connection. */
async function readLine(connection: ByteConnection): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error("The peer closed the connection");
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
    if (text.length > MAX_LINE_BYTES) throw new Error("The line has no end");
  }
}
