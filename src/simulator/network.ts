/**
 * Connections between simulated processes: the life of one HTTP request with
 * two streaming bodies, as HTTP/2 has it.
 *
 * What a real link does to usher is kept: a killed process's connections are
 * reset by its machine, a machine without power tells nobody, the end of the
 * answer takes the request's body with it, and nothing overtakes within a
 * connection while anything may between two.
 *
 * @module
 */
import { Pipe } from "./pipe.ts";
import type { Route } from "./route.ts";
import type { Process } from "./virtual_clock.ts";

type Bytes = ReadableStream<Uint8Array>;

/** How long a client waits between two looks whether its route is open, in ms. */
const RETRY_MS = 1000;

/** Who answers: a process, and what it does with a request. */
export interface Server {
  readonly process: Process;
  handle(body: Bytes): Promise<Response>;
}

/** What a client asks with. */
export interface Dialling {
  readonly route: Route;
  readonly client: Process;
  /** Who listens when the request arrives; null when nobody does. */
  readonly server: () => Server | null;
  readonly body: Bytes;
  /** Aborting it cuts the connection. */
  readonly signal: AbortSignal;
}

/** All connections. */
export class Network {
  readonly #open = new Set<Connection>();

  /** Connects, sends `body`, and resolves with the answer when it begins. */
  async connect(dialling: Dialling): Promise<Response> {
    const { route, client, server, signal } = dialling;
    await client.sleep(route.latency(), signal);
    while (route.isBlocked("up")) await client.sleep(RETRY_MS, signal);
    const target = server();
    if (target === null || target.process.isDead) {
      while (route.isBlocked("down")) await client.sleep(RETRY_MS, signal);
      throw new Error("Connection refused");
    }
    const connection = new Connection(
      dialling,
      target,
      (it) => this.#open.delete(it),
    );
    this.#open.add(connection);
    return await connection.answer();
  }

  /** The connections of a process that was killed are reset by its machine. */
  killed(process: Process): void {
    for (const one of [...this.#open]) one.killed(process);
  }

  /** The connections of a process whose machine lost its power tell nobody. */
  vanished(process: Process): void {
    for (const one of [...this.#open]) one.vanished(process);
  }

  /** Breaks the connections over `route` now. */
  cut(route: Route): void {
    for (const one of [...this.#open]) one.cut(route);
  }
}

/** One request, its body, and the answer's body. */
class Connection {
  readonly #dialling: Dialling;
  readonly #server: Server;
  readonly #up: Pipe;
  readonly #down: Pipe;
  readonly #begun = Promise.withResolvers<Response>();
  readonly #onClose: (it: Connection) => void;

  constructor(
    dialling: Dialling,
    server: Server,
    onClose: (it: Connection) => void,
  ) {
    const { route, client } = dialling;
    this.#dialling = dialling;
    this.#server = server;
    this.#onClose = onClose;
    this.#up = new Pipe(route, "up", server.process, {
      onEnd: () => {},
      onReset: () => this.#down.stopSender(),
      onCancel: () => {},
    });
    this.#down = new Pipe(route, "down", client, {
      onEnd: () => this.#close(),
      onReset: () => {
        this.#begun.reject(new Error("Connection reset by peer"));
        this.#close();
      },
      onCancel: () => this.#abandon(),
    });
    dialling.signal.addEventListener("abort", this.#abandon);
    if (dialling.signal.aborted) this.#abandon();
  }

  /** Lets the server answer; resolves when the client has the head of it. */
  async answer(): Promise<Response> {
    const { client, body } = this.#dialling;
    void this.#up.send(body, client);
    this.#server.process.after(0, () => void this.#serve());
    return await this.#begun.promise;
  }

  async #serve(): Promise<void> {
    const response = await this.#server.handle(this.#up.stream);
    const { route, client } = this.#dialling;
    const head = { status: response.status, headers: response.headers };
    client.after(
      route.latency(),
      () => this.#begun.resolve(new Response(this.#down.stream, head)),
    );
    const source = response.body ?? new Response("").body!;
    const ended = await this.#down.send(source, this.#server.process);
    // The end of the answer takes the body of the request with it.
    if (ended) this.#up.fail("The answer has ended");
  }

  killed(process: Process): void {
    if (process === this.#dialling.client) this.#abandon();
    if (process !== this.#server.process) return;
    this.#down.reset();
    this.#down.stopSender();
  }

  vanished(process: Process): void {
    if (process === this.#dialling.client) {
      this.#up.vanish();
      this.#forget();
    }
    if (process === this.#server.process) this.#down.vanish();
  }

  cut(route: Route): void {
    if (this.#dialling.route !== route) return;
    this.#up.cut();
    this.#down.cut();
  }

  /** The client is gone, or wants no more. */
  readonly #abandon = (): void => {
    const { route } = this.#dialling;
    this.#begun.reject(new Error("The request was given up"));
    if (route.losesEnds) this.#up.vanish();
    else this.#up.reset();
    this.#close();
  };

  /** The client's side is over. */
  #close(): void {
    this.#up.stopSender();
    this.#down.fail("The connection is closed");
    this.#forget();
  }

  #forget(): void {
    this.#dialling.signal.removeEventListener("abort", this.#abandon);
    this.#begun.promise.catch(() => {});
    this.#onClose(this);
  }
}
