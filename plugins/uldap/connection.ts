/**
 * A connection to the directory: opened, made secure and handed to the client.
 *
 * The client would open a new one by itself when a connection ends, in the
 * clear where StartTLS had been said on the old one, and send a password over
 * it. So it gets a connection that is secure already, once, and no other.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";
import { Client } from "ldapts";

/** Where the directory is, and how it is spoken to. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly security: "starttls" | "ldaps" | "none";
  /** Certificates of its authority, PEM; those that Deno trusts when null. */
  readonly ca: string | null;
  /** How long one step may take. */
  readonly timeoutMs: number;
}

/** StartTLS (RFC 4511, 4.14) as the first message, whose bytes never differ. */
const START_TLS = Buffer.concat([
  Buffer.from([0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16]),
  Buffer.from("1.3.6.1.4.1.1466.20037"),
]);
const EXTENDED_RESPONSE = 0x78;

/** Does something with a client; the connection ends whatever comes of it. */
export async function withClient<T>(
  server: ServerOptions,
  signal: AbortSignal,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const socket = await open(server, signal);
  const end = () => socket.destroy();
  signal.addEventListener("abort", end, { once: true });
  try {
    return await use(clientOver(socket, server));
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

function clientOver(socket: net.Socket, server: ServerOptions): Client {
  let isUsed = false;
  return new Client({
    url: `ldap://${server.host.includes(":") ? "[::1]" : server.host}`,
    timeout: server.timeoutMs,
    strictDN: false,
    createConnection: () => {
      if (isUsed) throw new Error("The directory has ended the connection");
      isUsed = true;
      return socket;
    },
  });
}

async function open(
  server: ServerOptions,
  signal: AbortSignal,
): Promise<net.Socket> {
  const { host, port, security, timeoutMs } = server;
  const where = `directory ${host}:${port}`;
  signal.throwIfAborted();
  const opening = new Opening(where, timeoutMs, signal);
  try {
    if (security === "ldaps") return await opening.secured(null, server);
    const socket = await opening.plain(host, port);
    if (security === "none") return socket;
    return await opening.upgraded(socket, server);
  } catch (error) {
    opening.abandon();
    throw error;
  } finally {
    opening.settle();
  }
}

/** The steps to an open connection, under one deadline. */
class Opening {
  readonly #where: string;
  readonly #over = Promise.withResolvers<never>();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #signal: AbortSignal;
  readonly #sockets: net.Socket[] = [];

  constructor(where: string, timeoutMs: number, signal: AbortSignal) {
    this.#where = where;
    this.#over.promise.catch(() => {});
    this.#signal = signal;
    this.#timer = setTimeout(
      () => this.#end(`does not answer within ${timeoutMs} ms`),
      timeoutMs,
    );
    signal.addEventListener("abort", this.#aborted, { once: true });
  }

  plain(host: string, port: number): Promise<net.Socket> {
    return this.#once(net.connect({ host, port }), "connect");
  }

  secured(
    socket: net.Socket | null,
    { host, port, ca }: ServerOptions,
  ): Promise<net.Socket> {
    return this.#once(
      tls.connect({
        ...(socket === null ? { host, port } : { socket }),
        // An address has no name to be sent, and is looked up among addresses.
        ...(net.isIP(host) === 0 ? { servername: host } : { host }),
        ...(ca === null ? {} : { ca }),
        rejectUnauthorized: true,
      }),
      "secureConnect",
    );
  }

  /** Says StartTLS and, once the server agrees, goes on over TLS. */
  async upgraded(
    socket: net.Socket,
    server: ServerOptions,
  ): Promise<net.Socket> {
    const agreed = Promise.withResolvers<net.Socket>();
    socket.once("data", (bytes) => {
      if (isAgreement(bytes)) {
        // In this very turn: Deno 2.6 begins another read in the next one,
        // which takes what belongs to TLS.
        agreed.resolve(this.secured(socket, server));
      } else agreed.reject(this.#error("does not take StartTLS"));
    });
    socket.once("error", (error) => agreed.reject(this.#error(error.message)));
    socket.once(
      "close",
      () => agreed.reject(this.#error("ends the connection")),
    );
    socket.write(START_TLS);
    return await Promise.race([agreed.promise, this.#over.promise]);
  }

  /** Closes what was opened. */
  abandon(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  settle(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#aborted);
  }

  readonly #aborted = () => this.#end("was not waited for any longer");

  #end(why: string): void {
    this.#over.reject(this.#error(why));
  }

  #error(why: string): Error {
    return new Error(`The ${this.#where} ${why}`);
  }

  async #once<S extends net.Socket>(socket: S, event: string): Promise<S> {
    this.#sockets.push(socket);
    const ready = Promise.withResolvers<void>();
    socket.once(event, () => ready.resolve());
    // It stays: an error that nobody hears would end the worker.
    socket.on("error", (error) => {
      ready.reject(this.#error(`cannot be reached: ${error.message}`));
    });
    await Promise.race([ready.promise, this.#over.promise]);
    return socket;
  }
}

/** Whether this is one whole extended response that says "success", and nothing after it: that would be in the clear. */
function isAgreement(bytes: Uint8Array): boolean {
  const [sequence, length = 0] = bytes;
  if (sequence !== 0x30) return false;
  // Lengths of a short answer are one byte, or one after 0x81 to 0x84.
  const extra = length > 0x80 ? length - 0x80 : 0;
  const at = 2 + extra;
  const size = extra === 0
    ? length
    : bytes.subarray(2, at).reduce((sum, it) => sum * 256 + it, 0);
  if (bytes.length !== at + size) return false;
  if (bytes[at] !== 2 || bytes[at + 1] !== 1 || bytes[at + 2] !== 1) {
    return false;
  }
  const code = bytes.subarray(at + 3);
  if (code[0] !== EXTENDED_RESPONSE) return false;
  const inner = (code[1] ?? 0) > 0x80 ? 2 + (code[1] ?? 0) - 0x80 : 2;
  return code[inner] === 0x0a && code[inner + 1] === 1 && code[inner + 2] === 0;
}
