/**
 * What a plugin says, over as many connections as it takes.
 *
 * Every connection goes on after the last line that was read. Numbers count
 * within one run of a controller: one that was started anew has said other
 * things, and all of what it keeps is shown.
 *
 * @module
 */
import type {
  PluginLogLine,
  PluginLogNote,
} from "../../../schema/plugin_life.ts";
import { systemClock } from "../../../sys/clock.ts";
import type { Api } from "../../api.ts";
import { failure } from "../../failure.ts";
import { backoffMs } from "../../follow.ts";
import { isCut, liveStream } from "../../live_stream.ts";

/** Attempts in a row without an answer, before it is given up. */
const MAX_ATTEMPTS = 30;

/** A line, or what there is to know between lines. */
export type Said =
  | { readonly type: "line"; readonly line: PluginLogLine }
  /** So many lines were dropped before the next one. */
  | { readonly type: "missed"; readonly count: number }
  /** The connection is lost, and will be made anew. */
  | { readonly type: "lost" };

/** Yields what `plugin` says until `signal` aborts, which throws its reason. */
export async function* followLog(
  api: Api,
  plugin: string,
  limit: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<Said, void, void> {
  const read = new ReadSoFar();
  for (let attempt = 0;; attempt++) {
    try {
      const lines = liveStream(api, "pluginLogs", {
        params: { name: plugin },
        query: { follow: "1", limit: limit?.toString(), after: read.after },
      }, signal);
      for await (const value of lines) {
        attempt = 0;
        const frame = value as PluginLogLine | PluginLogNote;
        if ("type" in frame) await read.note(frame);
        else yield* read.line(frame);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!read.hasBegun || !isCut(error) || attempt >= MAX_ATTEMPTS) {
        throw error;
      }
    }
    yield { type: "lost" };
    await systemClock.sleep(backoffMs(attempt, Math.random()), signal);
    api.reconnect();
  }
}

/** How far a reader has come. */
class ReadSoFar {
  #run: number | null = null;
  #number: number | null = null;

  get hasBegun(): boolean {
    return this.#run !== null;
  }

  /** For the controller to go on after; the newest ones where nothing was read. */
  get after(): string | undefined {
    return this.#run === null || this.#number === null
      ? undefined
      : `${this.#run}/${this.#number}`;
  }

  async note(note: PluginLogNote): Promise<void> {
    if (note.type === "hello") {
      if (note.run !== this.#run) this.#number = null;
      this.#run = note.run;
    }
    // Where coming back may help, that is done as after any end.
    if (note.type !== "bye" || note.resume) return;
    throw await failure(
      "unauthenticated",
      `The stream has ended: ${note.reason}`,
      { hint: "usher login begins another" },
    );
  }

  *line(line: PluginLogLine): Generator<Said> {
    const { number } = line;
    const expected = (this.#number ?? number - 1) + 1;
    if (number > expected) yield { type: "missed", count: number - expected };
    this.#number = number;
    yield { type: "line", line };
  }
}
