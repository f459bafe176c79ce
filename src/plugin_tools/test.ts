/**
 * `usher plugin test`: recorded events played to another version of a plugin.
 *
 * @module
 */
import type { Api } from "../client/api.ts";
import type { Context, Input } from "../client/command.ts";
import type { test as command } from "../client/commands/plugin/tools.ts";
import { UsageError } from "../client/usage.ts";
import { EXIT } from "../client/exit.ts";
import { isFailure } from "../client/failure.ts";
import { printOne } from "../client/render/output.ts";
import { printable } from "../client/render/table.ts";
import { UsherError } from "../error/mod.ts";
import { isSameOutcome, outcomeText } from "../plugin/chain/outcome.ts";
import type { Registration } from "../plugin/runner.ts";
import { type EventName, EVENTS } from "../schema/event.ts";
import type { PluginView } from "../schema/plugin.ts";
import { RecordedLine } from "../schema/recorded_event.ts";
import { AlonePlugin, issueTexts, type TriedRegistration } from "./alone.ts";
import { readOptionsFile } from "./options_file.ts";
import { pastCall } from "./replay.ts";
import { runShadow } from "./shadow.ts";
import { StandIn } from "./stand_in.ts";

type TestInput = Input<typeof command.flags>;

const DAY_MS = 86_400_000;

/** One decision that would have been another. */
interface Difference {
  readonly at: string;
  readonly event: string;
  readonly decision: string;
  /** What it is about: VMs, or the decision where it is about none. */
  readonly about: string;
  readonly then: string;
  readonly now: string;
}

/** All that a test finds. */
interface Report {
  readonly plugin: string;
  readonly hash: string;
  readonly since: string;
  readonly played: number;
  /** Events that were dropped when they should have been recorded. */
  readonly missing: number;
  readonly differences: readonly Difference[];
}

/** Runs the command; answers the exit code. */
export async function runTest(
  context: Context,
  input: TestInput,
): Promise<number> {
  const { words: [path = ""], flags } = input;
  if (flags.for !== undefined && !flags.shadow) {
    throw new UsageError(
      "--for says how long a version runs beside another",
      "add --shadow, or say --since for what was recorded",
    );
  }
  const api = await context.api();
  await using plugin = await AlonePlugin.open(path);
  if (flags.shadow) {
    const { strict, output, for: forMs } = flags;
    const { name } = plugin;
    return await runShadow(context, api, { name, path, forMs, strict, output });
  }
  const tried = await triedRegistrations(api, plugin, flags.options);
  const reading = await plugin.read(tried);
  const wrong = reading.registrations.flatMap(({ issues }) =>
    issueTexts(issues)
  );
  if (wrong.length > 0) {
    throw new UsherError(
      "invalid_input",
      `Plugin "${plugin.name}" does not take these options: ${
        wrong.join("; ")
      }`,
      { subject: plugin.name, hint: "give what it takes with --options FILE" },
    );
  }
  const site = new StandIn({
    vms: (await api.call("vms")).vms,
    nodes: (await api.call("nodes")).nodes,
  });
  const registrations = await plugin.start(reading, tried, site);
  const sinceMs = context.io.now() - (flags.since ?? DAY_MS);
  const report = await play(api, plugin, registrations, sinceMs);
  await printOne(context, report, flags.output, {
    name: plugin.name,
    describe: describeReport,
  });
  const differs = report.differences.length > 0;
  return differs && flags.strict ? EXIT.failed : EXIT.done;
}

/** What it is registered for and with what, as the version that runs; else all that it handles. */
async function triedRegistrations(
  api: Api,
  plugin: AlonePlugin,
  file: string | undefined,
): Promise<TriedRegistration[]> {
  const view = await runningView(api, plugin.name);
  const options = file === undefined
    ? view?.options ?? {}
    : await readOptionsFile(file);
  const registered = view?.registrations.map(({ event }) => event) ?? [];
  const events = registered.length > 0
    ? registered
    : await handledEvents(plugin, options);
  return [...new Set(events)].map((event) => ({ event, options }));
}

async function runningView(
  api: Api,
  name: string,
): Promise<PluginView | null> {
  try {
    return await api.call("plugin", { params: { name } });
  } catch (error) {
    if (isFailure(error, "not_found")) return null;
    throw error;
  }
}

async function handledEvents(
  plugin: AlonePlugin,
  options: Readonly<Record<string, unknown>>,
): Promise<string[]> {
  const { handles } = await plugin.read([{ event: "*", options }]);
  const own = handles.filter((event) => event !== "*");
  if (!handles.includes("*")) return own;
  const recorded = (Object.keys(EVENTS) as EventName[])
    .filter((event) => EVENTS[event].recorded);
  return [...own, ...recorded];
}

async function play(
  api: Api,
  plugin: AlonePlugin,
  registrations: readonly Registration[],
  sinceMs: number,
): Promise<Report> {
  const since = new Date(sinceMs).toISOString();
  const byEvent = new Map(registrations.map((one) => [one.event, one]));
  const differences: Difference[] = [];
  let played = 0;
  let missing = 0;
  const lines = api.stream("recordedEvents", { query: { since } });
  for await (const value of lines) {
    const line = RecordedLine.parse(value);
    if (line.type === "gap") {
      missing += line.dropped;
      continue;
    }
    const registration = byEvent.get(line.event);
    const past = registration && pastCall(line, plugin.name);
    if (registration === undefined || !past) continue;
    played++;
    const { input, outcome } = past;
    const { decision, at, event } = line;
    const now = await plugin.call(registration, input, decision, true);
    if (isSameOutcome(input, outcome, now)) continue;
    differences.push({
      at,
      event,
      decision,
      about: aboutOf(input, decision),
      then: outcomeText(input, outcome),
      now: outcomeText(input, now),
    });
  }
  const { name, snapshot: { hash } } = plugin;
  return { plugin: name, hash, since, played, missing, differences };
}

/** The VMs of a request, the name of a VM or a node, else the decision. */
function aboutOf(
  [first]: readonly unknown[],
  decision: string,
): string {
  const { name, vms, user } = (first ?? {}) as {
    readonly name?: unknown;
    readonly vms?: readonly { readonly name: string }[];
    readonly user?: unknown;
  };
  if (typeof name === "string") return name;
  const names = vms?.map((vm) => vm.name) ?? [];
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  if (names.length > 0) return names.slice(0, 3).join(", ") + more;
  return typeof user === "string" ? user : decision;
}

function describeReport(
  { plugin, since, played, missing, differences }: Report,
): string {
  const lines = differences.map(({ at, event, about, then, now }) =>
    `${at} ${event} ${printable(about)}\n  then: ${printable(then)}\n  now:  ${
      printable(now)
    }\n`
  );
  const gaps = missing === 0
    ? ""
    : `; ${missing} event(s) of that time were not recorded`;
  return `${
    lines.join("")
  }${played} event(s) since ${since} played to ${plugin}, ${differences.length} would have been decided otherwise${gaps}\n`;
}
