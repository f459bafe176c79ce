/**
 * Processes that plugins were read in, kept for a moment for the same plugins
 * to run in: a controller that starts would start each of them twice.
 *
 * A process goes to the very snapshot that it has read and to no other, since
 * whoever was in it may have left something behind. What its next worker may do
 * is decided anew.
 *
 * @module
 */
import type { Clock } from "../../sys/clock.ts";
import type { HostProcess } from "./host_process.ts";

/** How long a process waits for its plugin to be taken up. */
const SPARE_MS = 30_000;

/** Processes by what has been in them. */
export class HostPool implements AsyncDisposable {
  readonly #spare = new Map<
    string,
    { readonly host: HostProcess; readonly timer: Disposable }
  >();

  /** Keeps a process in which nothing runs. */
  keep(key: string, host: HostProcess, clock: Clock): void {
    this.take(key)?.kill("another one waits");
    const timer = clock.after(
      SPARE_MS,
      () => this.take(key)?.kill("nobody needs it"),
    );
    this.#spare.set(key, { host, timer });
  }

  /** Gives one away; null when there is none, or it has ended. */
  take(key: string): HostProcess | null {
    const spare = this.#spare.get(key);
    this.#spare.delete(key);
    spare?.timer[Symbol.dispose]();
    return spare === undefined || spare.host.isOver ? null : spare.host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const hosts = [...this.#spare.keys()].map((key) => this.take(key));
    for (const host of hosts) host?.kill("usher ends");
    await Promise.all(hosts.map((host) => host?.ended));
  }
}
