/**
 * Connections of the shell's commands: one for all, since each would pay for
 * its own otherwise, and a new one where the old does not answer.
 *
 * It sees what passes: which requests were sent from here and are waited for,
 * whose changes their command tells itself, and that a session has ended.
 *
 * @module
 */
import { openHttpClient } from "#machine";
import type { HttpClient } from "../platform.ts";
import type { OpenConnection } from "../api.ts";

/** The connections of one shell. */
export class Connections implements Disposable {
  #shared: HttpClient | null = null;
  #caPem: string | undefined;
  readonly #open: OpenConnection;
  /** Requests that a command of this shell waits for. */
  readonly waitedFor = new Set<string>();
  /** Whether the controller has said that it does not know the session. */
  isRefused = false;

  constructor(open: OpenConnection = openHttpClient) {
    this.#open = open;
  }

  /** What the next command opens connections with. */
  forCommand(): OpenConnection {
    let opened = 0;
    return (caPem) => {
      // Whoever opens again has found the old one dead.
      if (opened++ > 0) this.drop();
      return this.#watched(this.#client(caPem));
    };
  }

  /** Lets go of the connection; the next command makes another. */
  drop(): void {
    this.#shared?.[Symbol.dispose]();
    this.#shared = null;
  }

  [Symbol.dispose](): void {
    this.drop();
  }

  #client(caPem: string | undefined): HttpClient {
    if (caPem !== this.#caPem) this.drop();
    this.#caPem = caPem;
    return this.#shared ??= this.#open(caPem);
  }

  #watched(client: HttpClient): HttpClient {
    return {
      fetch: async (url, init) => {
        this.#note(url, init);
        const response = await client.fetch(url, init);
        if (response.status === 401) this.isRefused = true;
        return response;
      },
      openSocket: (url, headers) => client.openSocket(url, headers),
      // Others use it, too.
      [Symbol.dispose]() {},
    };
  }

  #note(url: string, { method, body }: RequestInit): void {
    const { pathname, searchParams } = new URL(url);
    const isWaited = method === "POST" && pathname === "/v1/requests" &&
      searchParams.get("follow") === "1";
    if (isWaited && typeof body === "string") {
      const { id } = JSON.parse(body);
      if (typeof id === "string") this.waitedFor.add(id);
    }
    const [, attached] = /^\/v1\/requests\/([^/]+)\/follow$/.exec(pathname) ??
      [];
    if (attached !== undefined) this.waitedFor.add(attached);
  }
}
