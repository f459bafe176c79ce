/**
 * The change stream, over as many connections as it takes.
 *
 * Every connection goes on after the last revision that was seen. When the
 * controller no longer holds what came after it, a snapshot stands in.
 *
 * @module
 */
import type { WatchFrame } from "../schema/change.ts";
import type { Api } from "./api.ts";
import { failure } from "./failure.ts";
import { backoffMs } from "./follow.ts";
import { isCut, liveStream } from "./live_stream.ts";
import { sleep } from "../sys/sleep.ts";

/** A change, a line of a snapshot, or where one begins and ends. */
export type Change = Exclude<WatchFrame, { type: "beat" | "bye" }>;

/** What to watch. */
export interface WatchOptions {
  /** The last revision seen; a snapshot first when absent. */
  readonly since?: number | undefined;
  /** `vm,node`; all when absent. */
  readonly kinds?: string | undefined;
  /** False leaves the snapshot out: only what happens from now on. */
  readonly snapshot?: boolean;
  /** How often in a row it is tried in vain before it is given up. */
  readonly attempts?: number;
  /** Told at each cut, before the next attempt. */
  readonly onLost?: (error: unknown) => void;
}

/** Attempts in a row without an answer, before it is given up. */
export const MAX_ATTEMPTS = 30;

/** Yields changes until `signal` aborts, which throws its reason. */
export async function* watch(
  api: Api,
  {
    since,
    kinds,
    snapshot = true,
    attempts = MAX_ATTEMPTS,
    onLost = () => {},
  }: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<Change, void, void> {
  let seen = since;
  let contacted = false;
  for (let attempt = 0;; attempt++) {
    try {
      const query = {
        kinds,
        since: seen?.toString(),
        snapshot: snapshot ? undefined : "0",
      };
      for await (const line of liveStream(api, "watch", { query }, signal)) {
        const frame = line as WatchFrame;
        attempt = 0;
        contacted = true;
        // A session that can be renewed has ended; the next attempt renews it.
        if (frame.type === "bye" && !frame.resume && !api.renews) {
          throw await failure(
            "unauthenticated",
            `The stream has ended: ${frame.reason}`,
            { hint: "log in again, or take another token" },
          );
        }
        if ("revision" in frame && frame.type !== "hello") {
          seen = frame.revision;
        }
        // With a hello the revision counts only when no snapshot follows.
        if (frame.type === "hello" && !snapshot) seen = frame.revision;
        if (isChange(frame)) yield frame;
      }
      onLost(null);
    } catch (error) {
      signal.throwIfAborted();
      if (!contacted || !isCut(error) || attempt >= attempts) throw error;
      onLost(error);
    }
    await sleep(backoffMs(attempt, Math.random()), signal);
    api.reconnect();
  }
}

/** False for beats, the end, and what a newer controller may add. */
function isChange(frame: WatchFrame): frame is Change {
  return ["hello", "snapshot", "synced", "put", "delete"].includes(frame.type);
}
