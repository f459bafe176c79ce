/**
 * The node's way to the controller: streams that it opens, one for the session
 * and one for each console.
 *
 * Each stream has an HTTP client of its own, since an old client goes on using
 * a connection that died.
 *
 * @module
 */
import { fromProblem, messageOf, toProblem, UsherError } from "../error/mod.ts";
import { Problem } from "../schema/problem.ts";
import { HttpClient } from "../sys/http_client.ts";
import { sendWithoutDelay } from "../sys/no_delay.ts";
import type { Credential } from "./credential.ts";

type Bytes = ReadableStream<Uint8Array>;

/**
 * Opens streams to the controller: `body` goes there, what is answered comes
 * back. Each is cut when its signal aborts, which every caller sees to.
 */
export interface Uplink {
  /** Where the controller is, for people. */
  readonly url: string;
  /** Throws `unavailable`, or what the controller says. */
  session(body: Bytes, signal: AbortSignal): Promise<Bytes>;
  /** Throws when the controller does not wait for the console `id`. */
  console(id: string, body: Bytes, signal: AbortSignal): Promise<Bytes>;
}

/** The way of a node that has joined: HTTP/2, trusting the site's CA. */
export class HttpUplink implements Uplink {
  readonly url: string;
  readonly #credential: Credential;

  constructor(credential: Credential) {
    this.#credential = credential;
    this.url = credential.url;
  }

  /** See `Uplink.session`. */
  async session(body: Bytes, signal: AbortSignal): Promise<Bytes> {
    let response: Response;
    try {
      response = await this.#post("/v1/session", body, signal);
    } catch (error) {
      throw new UsherError(
        "unavailable",
        `Cannot reach the controller at ${this.url}: ${messageOf(error)}`,
        { cause: error },
      );
    }
    if (response.ok && response.body !== null) {
      sendWithoutDelay(Number(new URL(this.url).port || 443));
      return response.body;
    }
    const problem = Problem.safeParse(await response.json().catch(() => null));
    throw fromProblem(
      problem.success
        ? problem.data
        : toProblem(new Error(`HTTP ${response.status}`)),
    );
  }

  /** See `Uplink.console`. */
  async console(id: string, body: Bytes, signal: AbortSignal): Promise<Bytes> {
    const { name, secret } = this.#credential;
    const response = await this.#post(`/v1/console/${id}`, body, signal, {
      "x-usher-node": name,
      authorization: `Bearer ${secret}`,
    });
    if (!response.ok || response.body === null) {
      throw new Error(`The controller answered ${response.status}`);
    }
    return response.body;
  }

  async #post(
    path: string,
    body: Bytes,
    signal: AbortSignal,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    signal.throwIfAborted();
    const client = new HttpClient(this.#credential.ca);
    const close = () => client[Symbol.dispose]();
    signal.addEventListener("abort", close, { once: true });
    return await client.fetch(this.url + path, {
      method: "POST",
      headers,
      body,
      signal,
    });
  }
}
