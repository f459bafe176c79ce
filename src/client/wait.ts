/**
 * Sending a request and waiting for it: what every verb on VMs does.
 *
 * @module
 */
import type { Outcome, Result } from "../schema/operation.ts";
import { systemClock } from "../sys/clock.ts";
import { newId } from "../sys/id.ts";
import type { Api, Body } from "./api.ts";
import {
  type Context,
  type Flags,
  type FlagValues,
  parsed,
  toggle,
} from "./command.ts";
import { EXIT, exitOf } from "./exit.ts";
import { isFailure } from "./failure.ts";
import { follow, type Followed } from "./follow.ts";
import { readDuration } from "./quantity.ts";
import { FORMAT_FLAG, printOne } from "./render/output.ts";
import type { Format } from "./render/format_name.ts";
import { showProblems } from "./render/problems.ts";
import { isEnded, outcomeText, progressView } from "./render/progress.ts";
import { PluginWait } from "./render/plugin_wait.ts";
import { sayingWhom } from "./saying_whom.ts";
import { renderTable } from "./render/table.ts";

/** Flags of a command that only waits. */
export const WAIT_FLAGS = {
  timeout: parsed(
    "DUR",
    "stop waiting after so long (exit code 3); the work goes on",
    readDuration,
  ),
  ...FORMAT_FLAG,
} as const satisfies Flags;

/** Flags of every command that sends a request. */
export const REQUEST_FLAGS = {
  plan: toggle("show what would happen, and do nothing"),
  "no-wait": toggle("print the operations' ids and do not wait"),
  "no-queue": toggle("fail at once when another operation holds the VM"),
  ...WAIT_FLAGS,
} as const satisfies Flags;

type RequestFlags = FlagValues<typeof REQUEST_FLAGS>;
type WaitFlags = FlagValues<typeof WAIT_FLAGS>;

/** A request without what the flags of all verbs add. */
export type VerbBody = DistributiveOmit<Body<"submit">, "id" | "queue">;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K>
  : never;

/** Sends a request, waits unless told not to; answers the exit code. */
export async function runRequest(
  context: Context,
  verbBody: VerbBody,
  flags: RequestFlags,
): Promise<number> {
  const id = newId();
  const body = { ...verbBody, id, queue: !flags["no-queue"] } as Body<"submit">;
  const api = await context.api();
  if (flags.plan) {
    const { showPlan } = await import("./plan.ts");
    return await showPlan(context, api, body, flags.output);
  }
  if (!flags["no-wait"]) {
    return await waitForRequest(context, api, { id, body }, flags);
  }
  using wait = startWait(context);
  const view = progressView(context.io);
  const waits = new PluginWait(view);
  let result: Result;
  try {
    result = await sayingWhom(
      api,
      id,
      waits,
      wait.signal,
      () => submit(api, body, wait.signal),
    );
  } catch (error) {
    if (!wait.signal.aborted) throw error;
    return waits.plugin === null
      ? detached(context, wait.why(), id, null)
      : leftWaiting(context, wait.why(), id, waits.plugin);
  } finally {
    if (waits.plugin !== null) view.end();
  }
  await printSubmitted(context, result, flags.output);
  showFailures(context, result);
  return exitOf(result.outcomes.filter(isEnded));
}

/** Sends; a cut in between is answered by sending the same once more. */
async function submit(
  api: Api,
  body: Body<"submit">,
  signal: AbortSignal,
): Promise<Result> {
  try {
    return await api.call("submit", { body, signal });
  } catch (error) {
    if (!isFailure(error, "interrupted")) throw error;
    api.reconnect();
    return await api.call("submit", { body, signal });
  }
}

async function printSubmitted(
  context: Context,
  result: Result,
  format: Format | undefined,
): Promise<void> {
  if (format !== undefined) return await printResult(context, result, format);
  for (const { operation } of result.outcomes) {
    if (operation !== null) context.io.stdout.write(`${operation}\n`);
  }
}

/** Waits for a request to end, showing how it goes; answers the exit code. */
export async function waitForRequest(
  context: Context,
  api: Api,
  followed: Followed,
  flags: WaitFlags,
  only: (outcome: Outcome) => boolean = () => true,
): Promise<number> {
  const view = progressView(context.io);
  using wait = startWait(context);
  const seen = new Map<number, Outcome>();
  const waits = new PluginWait(view);
  let accepted = false;
  let result: Result | null = null;
  try {
    const frames = follow(api, followed, {
      ...systemClock,
      signal: wait.signal,
    });
    for await (const frame of frames) {
      // What the controller has not taken yet cannot be left to it.
      if (frame.type === "accepted") {
        accepted = true;
        wait.limit(flags.timeout);
      }
      // The controller has it, and goes on with it once the plugin allows it.
      if (frame.type === "waiting") {
        waits.say(frame);
        wait.limit(flags.timeout);
      }
      if (frame.type === "lost") view.note("connection lost, coming back…");
      if (frame.type === "result") result = frame.result;
      if (frame.type !== "progress" || !only(frame.outcome)) continue;
      seen.set(frame.index, frame.outcome);
      view.show(frame.index, frame.outcome);
    }
  } catch (error) {
    if (!wait.signal.aborted) {
      view.end();
      throw error;
    }
  }
  result?.outcomes.forEach((outcome, index) => {
    if (only(outcome)) view.show(index, outcome);
  });
  view.end();
  if (result === null) {
    if (!accepted && waits.plugin !== null) {
      return leftWaiting(context, wait.why(), followed.id, waits.plugin);
    }
    return detached(context, wait.why(), followed.id, accepted ? seen : null);
  }
  const outcomes = result.outcomes.filter(only);
  showFailures(context, { ...result, outcomes });
  if (flags.output !== undefined) {
    await printResult(context, { ...result, outcomes }, flags.output);
  }
  return exitOf(outcomes);
}

interface Wait extends Disposable {
  readonly signal: AbortSignal;
  /** Ends the wait in so long; the first call counts. */
  limit(ms: number | undefined): void;
  /** What ended it. */
  why(): string;
}

/** A timer takes no more; what is longer has no end that a person sees. */
const LONGEST_MS = 2 ** 31 - 1;

/** A wait that Ctrl-C ends, and its limit. */
export function startWait({ io }: Pick<Context, "io">): Wait {
  const controller = new AbortController();
  let why = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  function end(reason: string): void {
    why ||= reason;
    controller.abort();
  }
  // Once is enough: a second Ctrl-C then ends the program at once, as it does
  // where nobody listens, and helps where this wait does not end.
  const interrupt = io.onInterrupt(() => {
    interrupt[Symbol.dispose]();
    end("detached");
  });
  return {
    signal: controller.signal,
    limit(ms) {
      if (ms === undefined) return;
      timer ??= setTimeout(() => end("time is up"), Math.min(ms, LONGEST_MS));
    },
    why: () => why,
    [Symbol.dispose]() {
      interrupt[Symbol.dispose]();
      clearTimeout(timer);
    },
  };
}

/** Says that nothing has begun, since a plugin has not decided. */
function leftWaiting(
  { io }: Context,
  why: string,
  id: string,
  plugin: string,
): number {
  io.stderr.write(
    `${why}: the request waits for plugin "${plugin}", and goes on if that allows it\n` +
      `come back with: usher op attach ${id}\n` +
      `or give it up with: usher op cancel --request ${id}\n`,
  );
  return EXIT.stillRunning;
}

/** Says what was left; `seen` is null when the controller had not answered. */
function detached(
  { io }: Context,
  why: string,
  id: string,
  seen: ReadonlyMap<number, Outcome> | null,
): number {
  const all = [...seen?.values() ?? []];
  const open = all.filter((outcome) => !isEnded(outcome)).length;
  const work = all.length === 0
    ? ""
    : `${open} of ${all.length} still at work, and `;
  io.stderr.write(
    seen === null
      ? `${why}: the controller had not answered yet; it may have the request or not\n` +
        `see which with: usher op attach ${id}\n`
      : `${why}: ${work}the work goes on\n` +
        `come back with: usher op attach ${id}\n`,
  );
  return EXIT.stillRunning;
}

function showFailures(
  context: Context,
  { request, outcomes }: Pick<Result, "request" | "outcomes">,
): void {
  const more = showProblems(context, outcomes);
  if (more === 0) return;
  context.io.stderr.write(
    `and ${more} more failed; all of them: ` +
      `usher op list state=failed,request=${request}\n`,
  );
}

async function printResult(
  context: Context,
  result: Result,
  format: Format,
): Promise<void> {
  const { stdout } = context.io;
  if (format === "ndjson" || format === "name") {
    for (const outcome of result.outcomes) {
      const line = format === "name" ? outcome.vm : JSON.stringify(outcome);
      stdout.write(`${line}\n`);
    }
    return;
  }
  await printOne(context, result, format, {
    name: result.request,
    describe: ({ outcomes }) =>
      renderTable(outcomes, [
        { key: "vm", value: ({ vm }) => vm },
        { key: "result", value: (it) => outcomeText(it) },
        { key: "operation", value: ({ operation }) => operation ?? "-" },
        { key: "problem", value: ({ problem }) => problem?.detail ?? "-" },
      ], { header: true, color: false, width: Infinity }),
  });
}
