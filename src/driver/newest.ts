/**
 * The news that a driver's `watch` hands out: one entry a domain, the newest,
 * so a slow reader never makes a queue that grows.
 *
 * @module
 */
import type { DomainReport } from "./driver.ts";

/** Reports for one reader; reading ends when the signal aborts or `close` is called. */
export class NewestReports implements AsyncIterable<DomainReport>, Disposable {
  readonly #pending = new Map<string, DomainReport>();
  readonly #signal: AbortSignal;
  readonly #onClose: (its: NewestReports) => void;
  readonly #close = () => this[Symbol.dispose]();
  #turn = Promise.withResolvers<void>();
  #closed = false;

  /** `onClose` is called once, when the last report has been taken or nobody reads any more. */
  constructor(
    signal: AbortSignal,
    onClose: (its: NewestReports) => void = () => {},
  ) {
    this.#signal = signal;
    this.#onClose = onClose;
    if (signal.aborted) this.#closed = true;
    else signal.addEventListener("abort", this.#close, { once: true });
  }

  /** Hands on `report` in place of an older one of its domain. */
  push(report: DomainReport): void {
    if (this.#closed) return;
    // Deleted first, so that the order of the map is the order of the news.
    this.#pending.delete(report.domain);
    this.#pending.set(report.domain, report);
    this.#turn.resolve();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal.removeEventListener("abort", this.#close);
    this.#turn.resolve();
    this.#onClose(this);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DomainReport> {
    try {
      while (!this.#closed) {
        for (const [domain, report] of this.#pending) {
          this.#pending.delete(domain);
          yield report;
          if (this.#closed) return;
        }
        await this.#turn.promise;
        this.#turn = Promise.withResolvers();
      }
    } finally {
      this[Symbol.dispose]();
    }
  }
}
