/**
 * Following a request to its end, over as many connections as it takes.
 *
 * The request carries an id made here, so sending it again after a cut cannot
 * start anything twice; once it is known to be accepted, it is only listened
 * to. Ending the wait never ends the request.
 *
 * @module
 */
import type { FollowFrame } from "../schema/change.ts";
import type { Problem } from "../schema/problem.ts";
import type { Outcome, Result } from "../schema/operation.ts";
import type { Api, Body } from "./api.ts";
import { failure, failureFrom } from "./failure.ts";
import { isCut, liveStream } from "./live_stream.ts";

/** A line of progress, with the types that its frame leaves open. */
export type Progress =
  | { readonly type: "accepted"; readonly count: number }
  | {
    readonly type: "progress";
    readonly index: number;
    readonly outcome: Outcome;
  }
  | {
    readonly type: "waiting";
    readonly plugin: string;
    readonly waitedMs: number;
  }
  | { readonly type: "lost" }
  | { readonly type: "result"; readonly result: Result };

/** What is followed: a request to send, or one that was sent before. */
export type Followed =
  | { readonly id: string; readonly body: Body<"submit"> }
  | { readonly id: string; readonly body?: undefined };

/** How to follow. */
export interface FollowOptions {
  /** Ends the wait, and nothing else. */
  readonly signal: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly monotonic: () => number;
  /** A number from 0 to 1, for the jitter. */
  readonly random?: () => number;
}

/** How long a lost controller is looked for. */
const GIVE_UP_MS = 120_000;
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 5_000;

/** The wait before attempt `n` (from 0), half of it left to chance. */
export function backoffMs(n: number, random: number): number {
  const whole = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** n);
  return whole / 2 + random * whole / 2;
}

/**
 * Yields progress until the result. Throws what the controller refuses, and
 * `unavailable` when it was never reached or stays away too long.
 */
export async function* follow(
  api: Api,
  followed: Followed,
  options: FollowOptions,
): AsyncGenerator<Progress, void, void> {
  const { signal, sleep, monotonic, random = Math.random } = options;
  // Who sent it before has been in touch with the controller already.
  const wasSent = followed.body === undefined;
  const life = { accepted: wasSent, contacted: wasSent };
  let lastContact = monotonic();
  for (let attempt = 0;; attempt++) {
    try {
      for await (const frame of oneConnection(api, followed, life, signal)) {
        attempt = 0;
        lastContact = monotonic();
        yield frame;
        if (frame.type === "result") return;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!life.contacted || !isCut(error)) throw error;
    }
    if (monotonic() - lastContact > GIVE_UP_MS) {
      throw await failure(
        "unavailable",
        `Lost the controller at ${api.controller}: no contact for ${
          GIVE_UP_MS / 60_000
        } minutes`,
        {
          hint:
            `the work goes on; come back with usher op attach ${followed.id}`,
        },
      );
    }
    yield { type: "lost" };
    await sleep(backoffMs(attempt, random()), signal);
    api.reconnect();
  }
}

async function* oneConnection(
  api: Api,
  { id, body }: Followed,
  life: { accepted: boolean; contacted: boolean },
  signal: AbortSignal,
): AsyncGenerator<Progress, void, void> {
  const frames = life.accepted || body === undefined
    ? liveStream(api, "follow", { params: { id } }, signal)
    : liveStream(api, "submit", { query: { follow: "1" }, body }, signal);
  for await (const frame of frames) {
    life.contacted = true;
    const progress = await readFrame(frame as FollowFrame);
    if (progress?.type === "accepted") life.accepted = true;
    if (progress !== null) yield progress;
  }
}

/** What a frame says; null for a beat and for what a newer peer may send. */
async function readFrame(frame: FollowFrame): Promise<Progress | null> {
  switch (frame.type) {
    case "accepted":
      return { type: "accepted", count: frame.count };
    case "progress":
      return {
        type: "progress",
        index: frame.index,
        outcome: frame.outcome as Outcome,
      };
    case "waiting":
      return {
        type: "waiting",
        plugin: frame.plugin,
        waitedMs: frame.waitedMs,
      };
    case "result":
      return { type: "result", result: frame.result as Result };
    case "problem":
      throw await failureFrom(frame.problem as Problem);
    default:
      return null;
  }
}
