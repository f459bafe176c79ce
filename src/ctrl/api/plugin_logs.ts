/**
 * `GET /v1/plugins/NAME/logs`: what a plugin said, and goes on to say.
 *
 * Who follows a plugin that says nothing must still notice a link that is dead,
 * so there are beats; and who comes back gets what was said meanwhile, since
 * each line has a number, which counts within one run of a controller.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Caller } from "../auth/caller.ts";
import type { LogStart } from "../plugins/log_ring.ts";
import type { Site } from "../site.ts";
import { withBeats } from "./beat.ts";

const DEFAULT_LINES = 100;
const MAX_LINES = 10_000;

/** Lines of one plugin. Throws `not_found` before anything is streamed. */
export function pluginLogs(
  site: Site,
  caller: Caller,
  name: string,
  url: URL,
): (signal: AbortSignal) => AsyncIterable<unknown> {
  const { logs } = site.plugins;
  const { name: known } = site.plugins.show(name);
  const limit = limitOf(url);
  if (url.searchParams.get("follow") !== "1") {
    return () => linesOf(logs.newest(known, limit));
  }
  const start = startOf(url, logs.run) ?? { limit };
  return (signal) => follow(site, caller, { plugin: known, start }, signal);
}

async function* follow(
  { plugins: { logs }, accounts, context: { clock } }: Site,
  caller: Caller,
  { plugin, start }: { readonly plugin: string; readonly start: LogStart },
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  yield { type: "hello", run: logs.run };
  const lines = logs.follow(plugin, start, signal);
  for await (const line of withBeats(lines, clock, () => ({ type: "beat" }))) {
    if (!accounts.isLive(caller)) {
      yield { type: "bye", reason: "this session has ended", resume: false };
      return;
    }
    yield line;
  }
  yield { type: "bye", reason: "the controller ends", resume: true };
}

function limitOf(url: URL): number {
  const asked = url.searchParams.get("limit") ?? String(DEFAULT_LINES);
  if (/^\d{1,5}$/.test(asked) && Number(asked) <= MAX_LINES) {
    return Number(asked);
  }
  throw new UsherError(
    "invalid_input",
    `"${asked}" is no number of lines: it must be 0 to ${MAX_LINES}`,
    { field: "limit" },
  );
}

/** After the line that was read last; all there are when that was another run's. */
function startOf(url: URL, run: number): LogStart | null {
  const asked = url.searchParams.get("after");
  if (asked === null) return null;
  const [, its, number] = /^(\d{1,15})\/(\d{1,15})$/.exec(asked) ?? [];
  if (its === undefined || number === undefined) {
    throw new UsherError(
      "invalid_input",
      `"${asked}" is no line that was read: it must be RUN/NUMBER`,
      { field: "after" },
    );
  }
  return { after: Number(its) === run ? Number(number) : -1 };
}

async function* linesOf<T>(lines: readonly T[]): AsyncGenerator<T> {
  yield* lines;
}
