/**
 * A TCP connection to a name server: one message there, and what comes back.
 *
 * Every message is waited for under one limit, and the connection is closed
 * whatever happens, also when it opens only after nobody waits for it.
 *
 * @module
 */
import { joined, u16, viewOf } from "./message.ts";

/** Where a server is, and how long it may take. */
export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** How long one message may take. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called when it does not answer in time. */
  readonly late: () => void;
}

/** Sends a message, and has `read` take what comes back; `next` is one message. */
export async function overTcp<T>(
  message: Uint8Array,
  { host, port, timeoutMs, signal, late }: ConnectionOptions,
  read: (next: () => Promise<Uint8Array>) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const where = `DNS server ${host}:${port}`;
  const { promise: over, reject } = Promise.withResolvers<never>();
  over.catch(() => {});
  const end = (why: string) => reject(new Error(why));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limited = <R>(work: Promise<R>): Promise<R> => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      late();
      end(`${where} does not answer within ${timeoutMs} ms`);
    }, timeoutMs);
    return Promise.race([work, over]);
  };
  const aborted = () => end(`${where} was not waited for any longer`);
  signal.addEventListener("abort", aborted, { once: true });
  const connecting = Deno.connect({ hostname: host, port });
  try {
    const connection = await limited(connecting);
    await limited(send(connection, message));
    return await read(() => limited(receive(connection)));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
    // Also when it opens only after nobody waits for it any longer.
    void connecting.then((it) => it.close()).catch(() => {});
  }
}

async function send(
  connection: Deno.TcpConn,
  message: Uint8Array,
): Promise<void> {
  const bytes = joined([u16(message.length), message]);
  for (let sent = 0; sent < bytes.length;) {
    sent += await connection.write(bytes.subarray(sent));
  }
}

async function receive(connection: Deno.TcpConn): Promise<Uint8Array> {
  const length = viewOf(await readFully(connection, 2)).getUint16(0);
  return await readFully(connection, length);
}

async function readFully(
  connection: Deno.TcpConn,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let read = 0; read < length;) {
    const count = await connection.read(bytes.subarray(read));
    if (count === null) throw new Error("DNS server ends the connection");
    read += count;
  }
  return bytes;
}
