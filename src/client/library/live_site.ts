/**
 * A site as a client sees it, kept up to date: what the original called its
 * cached objects, and its callbacks.
 *
 * It survives cuts, restarts of the controller and sessions that end, going on
 * after the last change that it saw. It reads as fast as the controller
 * writes, whatever its own readers do.
 *
 * @module
 */
import type { NodeView, VmView } from "../../schema/change.ts";
import type { ClusterView } from "../../schema/cluster.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Api } from "../api.ts";
import { failure } from "../failure.ts";
import { watch } from "../watch.ts";
import { Callbacks, type OnCallbackError } from "./callbacks.ts";
import {
  Copies,
  type Difference,
  type Kind,
  type LiveEvents,
} from "./copies.ts";
import { NewestQueue } from "./newest_queue.ts";

/** What is watched. */
export interface WatchOptions {
  /** What to keep copies of: all but operations where nothing is said. */
  readonly kinds?: readonly Kind[] | undefined;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** What a live site needs of its client. */
export interface WatchLine {
  /** A connection of its own, which it disposes of. */
  readonly api: Api;
  readonly onCallbackError: OnCallbackError | undefined;
  /** Called when it is over. */
  readonly onEnd: () => void;
}

/** How long a controller is sought, in attempts of five seconds: a day. */
const ATTEMPTS = 17_000;

/** Live copies of a site. */
export class LiveSite implements Disposable {
  /** Resolves when the copies are complete; rejects when they never will be. */
  readonly ready: Promise<void>;
  /** Resolves when it is closed; rejects with why it was given up. */
  readonly ended: Promise<void>;
  readonly #controller = new AbortController();
  readonly #callbacks: Callbacks<LiveEvents>;
  readonly #copies: Copies;
  readonly #readers = new Set<NewestQueue<Difference>>();
  #lost = false;
  #over = false;

  constructor(
    line: WatchLine,
    { kinds = ["vm", "node", "cluster"], signal }: WatchOptions,
  ) {
    this.#callbacks = new Callbacks(line.onCallbackError);
    this.#copies = new Copies((event, ...args) => {
      if (event === "back" && !this.#lost) return;
      if (event === "back") this.#lost = false;
      this.#callbacks.emit(event, ...args);
    });
    const stop = () => this.#controller.abort(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    this.ended = this.#run(line, kinds).finally(() => {
      signal?.removeEventListener("abort", stop);
      line.api[Symbol.dispose]();
      line.onEnd();
    });
    this.ready = new Promise((resolve, reject) => {
      this.on("ready", () => resolve());
      this.on("end", (error) => {
        if (error !== null) reject(error);
        else failure("cancelled", "The watch was closed").then(reject);
      });
    });
    this.ready.catch(() => {});
    this.ended.catch(() => {});
  }

  /** VMs by full name. */
  get vms(): ReadonlyMap<string, VmView> {
    return this.#copies.of("vm");
  }

  /** Nodes by name. */
  get nodes(): ReadonlyMap<string, NodeView> {
    return this.#copies.of("node");
  }

  /** Clusters by full name. */
  get clusters(): ReadonlyMap<string, ClusterView> {
    return this.#copies.of("cluster");
  }

  /** Operations at work by id; where `kinds` has `operation`. */
  get operations(): ReadonlyMap<string, Operation> {
    return this.#copies.of("operation");
  }

  /** Whether the connection is broken, and the copies may be old. */
  get isLost(): boolean {
    return this.#lost;
  }

  /** Calls `callback` at each `event` until the answer is disposed of. */
  on<E extends keyof LiveEvents>(
    event: E,
    callback: (...args: LiveEvents[E]) => unknown,
  ): Disposable {
    return this.#callbacks.on(event, callback);
  }

  /** What changes from now on; a slow reader gets of each thing the newest. */
  changes(): AsyncIterableIterator<Difference, undefined> {
    const queue = new NewestQueue<Difference>(() => {
      heard[Symbol.dispose]();
      this.#readers.delete(queue);
    });
    const heard = this.on("change", (difference) => {
      queue.put(`${difference.kind} ${idOf(difference)}`, difference);
    });
    if (this.#over) queue.end();
    else this.#readers.add(queue);
    return queue;
  }

  /** Resolves once `holds` answers true, at once or after a change. */
  async until(
    holds: (site: this) => boolean,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    await this.ready;
    signal?.throwIfAborted();
    if (holds(this)) return;
    await new Promise<void>((resolve, reject) => {
      const subscriptions = [
        this.on("change", () => attempt()),
        this.on("end", (error) => {
          leave();
          if (error !== null) reject(error);
          else failure("cancelled", "The watch was closed").then(reject);
        }),
      ];
      const stop = () => {
        leave();
        reject(signal?.reason);
      };
      const leave = () => {
        for (const subscription of subscriptions) {
          subscription[Symbol.dispose]();
        }
        signal?.removeEventListener("abort", stop);
      };
      const attempt = () => {
        try {
          if (!holds(this)) return;
        } catch (error) {
          leave();
          return reject(error);
        }
        leave();
        resolve();
      };
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  /** Ends it; the copies stay as they were last. */
  close(): void {
    this.#controller.abort();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #run({ api }: WatchLine, kinds: readonly Kind[]): Promise<void> {
    const { signal } = this.#controller;
    let why: unknown = null;
    try {
      const changes = watch(api, {
        kinds: kinds.join(","),
        attempts: ATTEMPTS,
        onLost: (error) => this.#loses(error),
      }, signal);
      for await (const change of changes) this.#copies.take(change);
    } catch (error) {
      if (!signal.aborted) why = error;
    }
    this.#over = true;
    for (const reader of this.#readers) reader.end(why);
    this.#callbacks.emit("end", why);
    if (why !== null) throw why;
  }

  #loses(error: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#callbacks.emit("lost", error);
  }
}

function idOf({ now, before, kind, name }: Difference): string {
  const value = now ?? before;
  return kind === "vm" && value !== null && "uid" in value ? value.uid : name;
}
