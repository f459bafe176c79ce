/**
 * `POST /v1/requests` and the following of what was sent: answered at once,
 * or, where the request waits for a handler, with a line now and then that
 * says for whom.
 *
 * @module
 */
import type { Result } from "../../schema/operation.ts";
import type { VmRequest } from "../../schema/request.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Caller } from "../auth/caller.ts";
import type { Site } from "../site.ts";
import { callerStream } from "./caller_stream.ts";
import { follow } from "./follow.ts";
import { problemOf } from "./http.ts";

/** From then on it is said for whom a request waits, and again as often. */
const SAY_MS = 1000;

/**
 * Sends a request and follows it. What refuses it soon is thrown; what refuses
 * it after it was said for whom it waits is the last line.
 */
export async function submitAndFollow(
  site: Site,
  body: VmRequest,
  caller: Caller,
): Promise<Response> {
  const id = body.id ?? site.context.newId();
  const submitted = site.requests.submit({ ...body, id }, caller);
  return await answer(site, { id, caller, submitted });
}

/** Follows a request that was sent before. Throws `not_found`. */
export async function followSent(
  site: Site,
  id: string,
  caller: Caller,
): Promise<Response> {
  const submitted = site.requests.pending(id, caller);
  if (submitted !== null) return await answer(site, { id, caller, submitted });
  site.requests.result(id, caller);
  return followStream(site, id, caller);
}

function followStream(site: Site, id: string, caller: Caller): Response {
  const lines = (signal: AbortSignal) => follow(site, id, caller, signal);
  return callerStream(site, caller, lines);
}

interface Submitted {
  readonly id: string;
  readonly caller: Caller;
  readonly submitted: Promise<Result>;
}

async function answer(site: Site, sent: Submitted): Promise<Response> {
  const { id, caller, submitted } = sent;
  const { deciding } = site.requests;
  while (await soon(submitted, site.context.clock) === null) {
    if (deciding.waitingFor(id, caller) === null) continue;
    return callerStream(
      site,
      caller,
      (signal) => untilTaken(site, sent, signal),
    );
  }
  return followStream(site, id, caller);
}

/** Says for whom the request waits until it is taken in; then what it does. */
async function* untilTaken(
  site: Site,
  { id, caller, submitted }: Submitted,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const { requests, context: { clock } } = site;
  try {
    do {
      if (signal.aborted) return;
      const waits = requests.deciding.waitingFor(id, caller);
      if (waits === null) {
        yield { type: "beat" };
        continue;
      }
      const { plugin, event, sinceMs } = waits;
      const waitedMs = Math.round(clock.monotonic() - sinceMs);
      yield { type: "waiting", plugin, event, waitedMs };
    } while (await soon(submitted, clock) === null);
  } catch (error) {
    yield { type: "problem", problem: problemOf(site, error) };
    return;
  }
  yield* follow(site, id, caller, signal);
}

/** What `submitted` comes to when it does within a moment; else null. */
async function soon<T>(submitted: Promise<T>, clock: Clock): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  using _timer = clock.after(SAY_MS, () => resolve(null));
  return await Promise.race([submitted, promise]);
}
