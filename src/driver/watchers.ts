/**
 * All who watch one driver: each has the newest report of every domain, so that
 * none makes another wait.
 *
 * @module
 */
import type { DomainReport } from "./driver.ts";
import { NewestReports } from "./newest.ts";

/** Those who watch, until their signals abort or the driver lets go of them. */
export class Watchers implements Disposable {
  readonly #watchers = new Set<NewestReports>();

  /** Tells all of them. */
  publish(report: DomainReport): void {
    for (const watcher of this.#watchers) watcher.push(report);
  }

  /** What is told from now on, whenever reading begins. */
  watch(signal: AbortSignal): AsyncIterable<DomainReport> {
    const watcher = new NewestReports(
      signal,
      (its) => this.#watchers.delete(its),
    );
    if (!signal.aborted) this.#watchers.add(watcher);
    return watcher;
  }

  /** Ends what they read. */
  [Symbol.dispose](): void {
    for (const watcher of [...this.#watchers]) watcher[Symbol.dispose]();
  }
}
