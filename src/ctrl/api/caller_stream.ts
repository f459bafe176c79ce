/**
 * Streams that a caller reads: its client is connected as long as one goes on.
 *
 * @module
 */
import type { Caller } from "../auth/caller.ts";
import type { Site } from "../site.ts";
import { ndjson } from "./stream.ts";

/** Streams what `produce` yields to `caller`, one value a line. Throws what `produce` throws at once. */
export function callerStream(
  site: Site,
  caller: Caller,
  produce: (signal: AbortSignal) => AsyncIterable<unknown>,
): Response {
  async function* underWay(lines: AsyncIterable<unknown>) {
    using _underWay = site.connections.enter(caller);
    yield* lines;
  }
  return ndjson((signal) => underWay(produce(signal)), site);
}
