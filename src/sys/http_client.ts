/**
 * An HTTP client of its own: one connection, trusting given authorities.
 *
 * After a cut an old client goes on using its dead connection, so whoever
 * reconnects makes a new one.
 *
 * @module
 */

/** Requests over one connection; closing it cuts what is open. */
export class HttpClient implements Disposable {
  readonly #client: Deno.HttpClient;

  /** Trusts `caPem` alone beside the machine's own authorities. */
  constructor(caPem?: string) {
    this.#client = Deno.createHttpClient(
      caPem === undefined ? {} : { caCerts: [caPem] },
    );
  }

  /** Like the global `fetch`. */
  fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
    return fetch(url, { ...init, client: this.#client });
  }

  [Symbol.dispose](): void {
    try {
      this.#client.close();
    } catch {
      // Closed already.
    }
  }
}
