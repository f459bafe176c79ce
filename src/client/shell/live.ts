/**
 * The shell's standing connection: it keeps the copies, says what happens, and
 * comes back by itself when the controller was away.
 *
 * It never gives up by itself, except where coming back makes no sense: the
 * session has ended, or the controller refuses what is asked.
 *
 * @module
 */
import { systemClock } from "../../sys/clock.ts";
import type { Api } from "../api.ts";
import { isFailure } from "../failure.ts";
import { backoffMs } from "../follow.ts";
import { isCut, liveStream } from "../live_stream.ts";
import type { WatchFrame } from "../../schema/change.ts";
import type { SiteCopy, Telling } from "./site_copy.ts";

const KINDS = "vm,node,operation,cluster";

/** How the connection stands. */
export type LiveState = "connecting" | "connected" | "lost" | "ended";

/** What the shell is told of. */
export interface LiveOptions {
  readonly copy: SiteCopy;
  telling(): Telling;
  /** A line for the person. */
  say(text: string): void;
  /** The connection stands. */
  onStanding(): void;
  /** The connection does not stand any more; others over it may be dead, too. */
  onLost(): void;
}

/** One standing connection to one controller. */
export class Live implements Disposable {
  readonly #api: Api;
  readonly #options: LiveOptions;
  readonly #ended = new AbortController();
  readonly #first = Promise.withResolvers<LiveState>();
  #state: LiveState = "connecting";
  #seen: number | undefined;

  constructor(api: Api, options: LiveOptions) {
    this.#api = api;
    this.#options = options;
    this.#run();
  }

  get state(): LiveState {
    return this.#state;
  }

  /** Resolves once it stands, or it is known that it does not yet or never will. */
  get settled(): Promise<LiveState> {
    return this.#first.promise;
  }

  [Symbol.dispose](): void {
    // It may have ended by itself.
    if (this.#ended.signal.aborted) return;
    this.#state = "ended";
    this.#ended.abort();
    this.#api[Symbol.dispose]();
    this.#first.resolve("ended");
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        for await (
          const line of liveStream(this.#api, "watch", {
            query: { kinds: KINDS, since: this.#seen?.toString() },
          }, signal)
        ) {
          attempt = 0;
          this.#take(line as WatchFrame);
        }
        this.#lose("the connection ended");
      } catch (error) {
        if (signal.aborted) return;
        if (!isCut(error)) return this.#end(error);
        this.#lose(error instanceof Error ? error.message : String(error));
      }
      try {
        await systemClock.sleep(backoffMs(attempt, Math.random()), signal);
      } catch {
        return;
      }
      this.#api.reconnect();
    }
  }

  #take(frame: WatchFrame): void {
    const { copy, say, telling } = this.#options;
    switch (frame.type) {
      case "beat":
        this.#seen = frame.revision;
        return;
      case "bye":
        if (!frame.resume) this.#end(new Error(frame.reason));
        return;
      case "hello":
        if (this.#seen === undefined || frame.reset) copy.clear();
        if (this.#state === "lost") {
          say(`connected again to ${this.#api.controller}`);
        }
        this.#state = "connected";
        this.#first.resolve("connected");
        this.#options.onStanding();
        return;
    }
    if (frame.type === "put" || frame.type === "delete") {
      this.#seen = frame.revision;
    }
    if (frame.type === "synced") this.#seen = frame.revision;
    const line = copy.take(frame, telling());
    if (line !== null) say(line);
  }

  #lose(why: string): void {
    if (this.#ended.signal.aborted) return;
    const { say, onLost } = this.#options;
    if (this.#state !== "lost") {
      say(
        this.#state === "connected"
          ? `lost the controller at ${this.#api.controller}; coming back by itself`
          : `${why}; trying on`,
      );
    }
    this.#state = "lost";
    this.#first.resolve("lost");
    onLost();
  }

  #end(error: unknown): void {
    const { say } = this.#options;
    if (this.#ended.signal.aborted) return;
    const hasEnded = isFailure(error, "unauthenticated") ||
      (error instanceof Error && /session has ended/.test(error.message));
    say(
      hasEnded
        ? `the session at ${this.#api.controller} has ended; connect logs in again`
        : `${
          error instanceof Error ? error.message : error
        }; reconnect tries again`,
    );
    this[Symbol.dispose]();
  }
}
