/**
 * Reading a stream of NDJSON lines, one when it is wanted.
 *
 * @module
 */
import { decodeLines } from "../../src/link/ndjson.ts";
import type { TestSite } from "./site.ts";
import { within } from "./wait.ts";

/** A line of a stream of the API. */
export interface Line {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** An open `GET` of a stream. */
export class Reader implements AsyncDisposable {
  readonly #abort: AbortController;
  readonly #lines: AsyncGenerator<unknown, void, void>;

  private constructor(
    abort: AbortController,
    lines: AsyncGenerator<unknown, void, void>,
  ) {
    this.#abort = abort;
    this.#lines = lines;
  }

  static async open(
    site: TestSite,
    path: string,
    token = site.site.token,
  ): Promise<Reader> {
    const abort = new AbortController();
    const response = await site.client.fetch(site.site.url + path, {
      headers: { authorization: `Bearer ${token}` },
      signal: abort.signal,
    });
    if (response.body === null || response.status !== 200) {
      throw new Error(`${path} answered ${response.status}`);
    }
    return new Reader(abort, decodeLines(response.body, 16 * 1024 * 1024));
  }

  /** Lines up to the first that `isLast` says yes to, which is among them. */
  async until(isLast: (line: Line) => boolean): Promise<Line[]> {
    const lines: Line[] = [];
    const reading = (async () => {
      for (;;) {
        const { done, value } = await this.#lines.next();
        if (done) throw new Error(`ended after ${JSON.stringify(lines)}`);
        lines.push(value as Line);
        if (isLast(value as Line)) return lines;
      }
    })();
    return await within("the line that is waited for", 60_000, reading);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#lines.return().catch(() => {});
  }
}
