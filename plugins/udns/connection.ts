/**
 * TCP connections to a name server: messages with their length before them,
 * on one that is kept for many, or on one of its own for a transfer.
 *
 * Every message is waited for under one limit, and a connection is closed
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
  /** Called when it does not answer in time. */
  readonly late: () => void;
}

/** So many messages are on their way at once; more wait for their turn. */
const MAX_UNDER_WAY = 64;
const READ_BYTES = 64 * 1024;

/** One that was sent and not answered yet. */
interface Waiting {
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** A connection that many messages go over, side by side: each answer is known by its id. */
export class Line {
  readonly #options: ConnectionOptions;
  readonly #connecting: Promise<Deno.TcpConn>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #turns: (() => void)[] = [];
  #underWay = 0;
  #unsent: Uint8Array[] = [];
  #isSending = false;
  #broken: Error | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#connecting = connected(options);
    this.#connecting.then((it) => this.#read(it))
      .catch((error) => this.#break(error));
  }

  /** Whether nothing more can go over it. */
  get isBroken(): boolean {
    return this.#broken !== null;
  }

  /** Sends what `make` makes under an id that no other has, and gives what comes back. */
  async ask(
    make: (id: number) => Promise<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    if (this.#underWay >= MAX_UNDER_WAY) {
      await new Promise<void>((resolve) => this.#turns.push(resolve));
    }
    this.#underWay++;
    try {
      signal.throwIfAborted();
      return await this.#ask(make, signal);
    } finally {
      this.#underWay--;
      this.#turns.shift()?.();
    }
  }

  /** Closes it; who still waits is told so. */
  close(): void {
    this.#break(new Error(`${whereOf(this.#options)} is left`));
  }

  async #ask(
    make: (id: number) => Promise<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    if (this.#broken !== null) throw this.#broken;
    const { timeoutMs, late } = this.#options;
    const id = this.#freeId();
    const answer = Promise.withResolvers<Uint8Array>();
    answer.promise.catch(() => {});
    this.#waiting.set(id, answer);
    const where = whereOf(this.#options);
    const aborted = () => answer.reject(notWaitedFor(where));
    signal.addEventListener("abort", aborted, { once: true });
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const message = await make(id);
      this.#send(message);
      timer = setTimeout(() => {
        late();
        // What was asked after it would wait as long.
        this.#break(notAnswered(where, timeoutMs));
      }, timeoutMs);
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      this.#waiting.delete(id);
    }
  }

  #freeId(): number {
    for (;;) {
      const [id = 0] = crypto.getRandomValues(new Uint16Array(1));
      if (!this.#waiting.has(id)) return id;
    }
  }

  #send(message: Uint8Array): void {
    this.#unsent.push(u16(message.length), message);
    if (this.#isSending) return;
    this.#isSending = true;
    void this.#sendAll().catch((error) => this.#break(error));
  }

  async #sendAll(): Promise<void> {
    const connection = await this.#connecting;
    while (this.#unsent.length > 0) {
      const bytes = joined(this.#unsent);
      this.#unsent = [];
      await writeFully(connection, bytes);
    }
    this.#isSending = false;
  }

  async #read(connection: Deno.TcpConn): Promise<void> {
    const read = reading(connection, this.#options);
    while (this.#broken === null) {
      const message = await read();
      if (message.length >= 2) {
        this.#waiting.get(viewOf(message).getUint16(0))?.resolve(message);
      }
    }
  }

  #break(error: Error): void {
    if (this.#broken !== null) return;
    this.#broken = error;
    void this.#connecting.then((it) => it.close()).catch(() => {});
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}

/** Sends a message over a connection of its own; `read` takes what comes back, `next` by `next`. */
export async function overTcp<T>(
  message: Uint8Array,
  options: ConnectionOptions,
  { signal, read }: {
    readonly signal: AbortSignal;
    readonly read: (next: () => Promise<Uint8Array>) => Promise<T>;
  },
): Promise<T> {
  signal.throwIfAborted();
  const { timeoutMs, late } = options;
  const where = whereOf(options);
  const { promise: over, reject } = Promise.withResolvers<never>();
  over.catch(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limited = <R>(work: Promise<R>): Promise<R> => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      late();
      reject(notAnswered(where, timeoutMs));
    }, timeoutMs);
    return Promise.race([work, over]);
  };
  const aborted = () => reject(notWaitedFor(where));
  signal.addEventListener("abort", aborted, { once: true });
  const connecting = connected(options);
  try {
    const connection = await limited(connecting);
    const bytes = joined([u16(message.length), message]);
    await limited(writeFully(connection, bytes));
    const receive = reading(connection, options);
    return await read(() => limited(receive()));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
    void connecting.then((it) => it.close()).catch(() => {});
  }
}

async function connected(options: ConnectionOptions): Promise<Deno.TcpConn> {
  const { host, port } = options;
  try {
    return await Deno.connect({ hostname: host, port });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${whereOf(options)} cannot be reached: ${why}`);
  }
}

async function writeFully(
  connection: Deno.TcpConn,
  bytes: Uint8Array,
): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await connection.write(bytes.subarray(sent));
  }
}

/** Message after message of a connection; throws when it ends. */
function reading(
  connection: Deno.TcpConn,
  options: ConnectionOptions,
): () => Promise<Uint8Array> {
  let buffer = new Uint8Array(READ_BYTES);
  let [from, to] = [0, 0];
  const have = async (length: number) => {
    while (to - from < length) {
      if (from + length > buffer.length) {
        const larger = new Uint8Array(Math.max(READ_BYTES, length * 2));
        larger.set(buffer.subarray(from, to));
        [buffer, to, from] = [larger, to - from, 0];
      }
      const count = await connection.read(buffer.subarray(to));
      if (count === null) {
        throw new Error(`${whereOf(options)} ends the connection`);
      }
      to += count;
    }
  };
  const take = async (length: number) => {
    await have(length);
    from += length;
    return buffer.slice(from - length, from);
  };
  return async () => await take(viewOf(await take(2)).getUint16(0));
}

function whereOf({ host, port }: ConnectionOptions): string {
  return `DNS server ${host}:${port}`;
}

function notAnswered(where: string, timeoutMs: number): Error {
  return new Error(`${where} does not answer within ${timeoutMs} ms`);
}

function notWaitedFor(where: string): Error {
  return new Error(`${where} was not waited for any longer`);
}
