/**
 * One connection of a stream that never falls silent: the controller sends a
 * beat where there is nothing to say.
 *
 * A connection over which nothing comes may be dead without anybody having
 * been told, so silence ends it as a cut does, and whoever reads comes back.
 *
 * @module
 */
import type { RouteName } from "../schema/route.ts";
import { JoinedSignal } from "../sys/joined_signal.ts";
import type { Api, CallInput } from "./api.ts";
import { isFailure } from "./failure.ts";

/** Silence after which a connection counts as cut; beats come more often. */
const SILENCE_MS = 45_000;

/** The lines of a stream until it ends, is cut, or falls silent, which throws; or until `signal` aborts. */
export async function* liveStream<R extends RouteName>(
  api: Api,
  route: R,
  input: Omit<CallInput<R>, "signal">,
  signal: AbortSignal,
): AsyncGenerator<unknown, void, void> {
  const silent = new AbortController();
  using joined = new JoinedSignal(signal, silent.signal);
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  try {
    const lines = api.stream(route, { ...input, signal: joined.signal });
    for await (const line of lines) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE_MS);
      yield line;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the connection is to blame, and not what was asked. */
export function isCut(error: unknown): boolean {
  return !isFailure(error) || isFailure(error, "unavailable") ||
    isFailure(error, "interrupted");
}
