/**
 * TLS listeners: HTTP/2 (and HTTP/1.1) on a port that is surely ours, with a
 * certificate that can be changed while streams are open.
 *
 * A new certificate is a second listener on the same port; the first then
 * takes no more connections, and those it has live on to their end. Sharing a
 * port needs SO_REUSEPORT, under which a foreign process may share it as
 * well, so the port is first taken without it: that fails when anyone is
 * there.
 *
 * @module
 */
import {
  isUsherError,
  messageOf,
  toProblem,
  UsherError,
} from "../error/mod.ts";
import { acceptWithoutDelay } from "./no_delay.ts";

/** Answers one request; what it throws becomes a bare 500. */
export type TlsHandler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

/** Where to listen, as whom, and what to answer. */
export interface ServeTlsOptions {
  readonly hostname: string;
  /** Zero takes a free one. */
  readonly port: number;
  readonly certPem: string;
  readonly keyPem: string;
  readonly handler: TlsHandler;
  /** Ends the server at once. */
  readonly signal?: AbortSignal;
}

/** A listener and the connections it has accepted. */
export interface TlsServer {
  readonly hostname: string;
  readonly port: number;
  /**
   * New connections get this certificate; open ones keep theirs. One that is
   * being made in that instant may be reset, and succeeds when tried again.
   */
  replaceCertificate(certPem: string, keyPem: string): void;
  /**
   * Refuses new requests, gives open ones `graceMs` to end, then cuts them.
   * Requests accepted before the last change of certificate cannot be cut by
   * Deno: their handlers end them, or the process does.
   */
  close(graceMs: number): Promise<void>;
  /** Resolves when the server has ended. */
  readonly finished: Promise<void>;
}

/** A free port is looked for so often; between look and listening it may go. */
const MAX_TRIES = 10;

/** Listens; returns once connections are accepted. */
export function serveTls(options: ServeTlsOptions): TlsServer {
  options.signal?.throwIfAborted();
  const { hostname, port } = options;
  for (let tries = port === 0 ? MAX_TRIES : 1;; tries--) {
    try {
      return new Server(options, probePort(hostname, port));
    } catch (error) {
      if (tries <= 1 || !isPortTaken(error)) throw error;
    }
  }
}

function isPortTaken(error: unknown): boolean {
  return isUsherError(error) &&
    error.details.cause instanceof Deno.errors.AddrInUse;
}

interface Listener {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  readonly cut: AbortController;
}

class Server implements TlsServer {
  readonly hostname: string;
  readonly port: number;
  readonly finished: Promise<void>;
  readonly #options: ServeTlsOptions;
  readonly #cut = new AbortController();
  #current: Listener;
  #isClosing = false;
  #open = 0;
  #drained = Promise.withResolvers<void>();
  readonly #finish: () => void;

  constructor(options: ServeTlsOptions, port: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#finish = resolve;
    this.#options = options;
    this.hostname = options.hostname;
    this.port = port;
    this.#current = this.#listen(options.certPem, options.keyPem);
    options.signal?.addEventListener("abort", this.#abort, { once: true });
  }

  replaceCertificate(certPem: string, keyPem: string): void {
    if (this.#isClosing) return;
    const { server } = this.#current;
    this.#current = this.#listen(certPem, keyPem);
    void server.shutdown();
  }

  async close(graceMs: number): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      await this.#drain(graceMs);
      this.#current.cut.abort();
      await this.#current.server.finished;
      this.#options.signal?.removeEventListener("abort", this.#abort);
      this.#finish();
    }
    await this.finished;
  }

  readonly #abort = (): void => {
    this.#cut.abort();
    void this.close(0);
  };

  async #drain(graceMs: number): Promise<void> {
    if (this.#open === 0 || this.#cut.signal.aborted) return;
    const timer = setTimeout(() => this.#cut.abort(), graceMs);
    this.#cut.signal.addEventListener("abort", () => this.#drained.resolve(), {
      once: true,
    });
    await this.#drained.promise;
    clearTimeout(timer);
  }

  #handle: TlsHandler = (request, info) => {
    if (this.#isClosing) return stopping();
    this.#open++;
    info.completed.then(this.#completed, this.#completed);
    return this.#options.handler(request, info);
  };

  readonly #completed = (): void => {
    this.#open--;
    if (this.#isClosing && this.#open === 0) this.#drained.resolve();
  };

  #listen(cert: string, key: string): Listener {
    const { hostname, port } = this;
    const cut = new AbortController();
    try {
      const server = Deno.serve({
        hostname,
        port,
        cert,
        key,
        reusePort: true,
        signal: cut.signal,
        onListen: () => {},
      }, this.#handle);
      acceptWithoutDelay(port);
      return { server, cut };
    } catch (error) {
      throw cannotListen(hostname, port, error);
    }
  }
}

function stopping(): Response {
  const problem = toProblem(
    new UsherError("unavailable", "Cannot answer: the server is stopping"),
  );
  return Response.json(problem, {
    status: problem.status,
    headers: { "content-type": "application/problem+json", "retry-after": "1" },
  });
}

/** The port that can be listened on: `port`, or a free one for zero. */
function probePort(hostname: string, port: number): number {
  let probe: Deno.TcpListener;
  try {
    probe = Deno.listen({ hostname, port });
  } catch (error) {
    throw cannotListen(hostname, port, error);
  }
  // Not `using`: a minifying bundler may fold a variable that is read once
  // into its reader, and then nothing closes it.
  const taken = probe.addr.port;
  probe.close();
  return taken;
}

function cannotListen(
  hostname: string,
  port: number,
  error: unknown,
): UsherError {
  const place = hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
  if (error instanceof Deno.errors.AddrInUse) {
    return new UsherError(
      "unavailable",
      `Cannot listen on ${place}: another process has the port`,
      {
        hint: `See who it is with: ss -ltnp 'sport = :${port}'`,
        cause: error,
      },
    );
  }
  if (error instanceof Deno.errors.InvalidData) {
    return new UsherError(
      "invalid_input",
      `Cannot listen on ${place}: ${messageOf(error)}`,
      {
        hint: "Check that certificate and key are PEM and belong together",
        cause: error,
      },
    );
  }
  return new UsherError(
    "unavailable",
    `Cannot listen on ${place}: ${messageOf(error)}`,
    {
      hint: "Check the address and port in the configuration",
      cause: error,
    },
  );
}
