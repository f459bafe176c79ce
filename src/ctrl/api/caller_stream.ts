/**
 * Streams that a caller reads: its client is connected as long as one goes on,
 * and it ends at once with the session or the token that it was begun with.
 *
 * @module
 */
import type { Caller } from "../auth/caller.ts";
import type { Site } from "../site.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";
import { ndjson } from "./stream.ts";

/** Streams what `produce` yields to `caller`, one value a line. Throws what `produce` throws at once. */
export function callerStream(
  site: Site,
  caller: Caller,
  produce: (signal: AbortSignal) => AsyncIterable<unknown>,
): Response {
  async function* underWay(
    lines: AsyncIterable<unknown>,
    ...held: Disposable[]
  ) {
    using _underWay = site.connections.enter(caller);
    try {
      yield* lines;
    } finally {
      for (const one of held) one[Symbol.dispose]();
    }
  }
  return ndjson((signal) => {
    const life = site.accounts.hold(caller);
    const until = new JoinedSignal(signal, life.signal);
    try {
      return underWay(produce(until.signal), until, life);
    } catch (error) {
      until[Symbol.dispose]();
      life[Symbol.dispose]();
      throw error;
    }
  }, site);
}
