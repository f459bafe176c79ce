/**
 * Connections that many streams share, without one cutting another.
 *
 * Each stream takes an `HttpClient` of its own, which it may leave and take
 * anew as it likes; what stands behind is shared by up to a hundred of them,
 * for a connection carries two hundred streams and the next one waits without
 * a word. A connection on which anything broke gets no new streams, and is
 * closed when the last of the old ones has left.
 *
 * @module
 */
import type { OpenConnection } from "../api.ts";
import type { HttpClient } from "../platform.ts";

const STREAMS_EACH = 100;

interface Shared {
  readonly client: HttpClient;
  users: number;
  broken: boolean;
}

/** Connections to one controller; `open` is for `Api`. */
export class ConnectionPool {
  readonly #open: OpenConnection;
  readonly #shared = new Set<Shared>();

  constructor(open: OpenConnection) {
    this.#open = open;
  }

  /** How many connections there are. */
  get size(): number {
    return this.#shared.size;
  }

  /** A connection to use until it is disposed of. */
  readonly open = (caPem: string | undefined): HttpClient => {
    let mine: Shared | null = null;
    const take = (): Shared => {
      if (mine?.broken) leave();
      mine ??= this.#take(caPem);
      return mine;
    };
    const leave = () => {
      if (mine !== null) this.#leave(mine);
      mine = null;
    };
    return {
      fetch: (url, init) => fetchOver(take(), url, init),
      openSocket: (url, headers) => take().client.openSocket(url, headers),
      broken: () => {
        if (mine !== null) mine.broken = true;
      },
      [Symbol.dispose]: leave,
    };
  };

  #take(caPem: string | undefined): Shared {
    const shared = this.#free() ?? this.#add(caPem);
    shared.users++;
    return shared;
  }

  #free(): Shared | undefined {
    return [...this.#shared].find(({ users, broken }) =>
      !broken && users < STREAMS_EACH
    );
  }

  #add(caPem: string | undefined): Shared {
    const shared = { client: this.#open(caPem), users: 0, broken: false };
    this.#shared.add(shared);
    return shared;
  }

  #leave(shared: Shared): void {
    if (--shared.users > 0) return;
    this.#shared.delete(shared);
    shared.client[Symbol.dispose]();
  }
}

async function fetchOver(
  shared: Shared,
  url: string,
  init: RequestInit,
): Promise<Response> {
  try {
    return await shared.client.fetch(url, init);
  } catch (error) {
    if (!init.signal?.aborted) shared.broken = true;
    throw error;
  }
}
