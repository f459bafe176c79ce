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
import {
  AlonePlugin,
  type GrantsInput,
  issueTexts,
  type TriedRegistration,
} from "./alone.ts";
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
  /** What it would have filed or fired. */
  readonly deeds: readonly Deed[];
}

/** Something that it would have had done. */
interface Deed extends Pick<Difference, "at" | "event" | "about"> {
  readonly what: string;
}

/** The most deeds that people are shown one by one. */
const SHOWN_DEEDS = 20;

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
  const running = await runningView(api, plugin.name);
  const tried = await triedRegistrations(running, plugin, flags.options);
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
  const grants = grantsFor(running);
  const registrations = await plugin.start(reading, tried, site, grants);
  const sinceMs = context.io.now() - (flags.since ?? DAY_MS);
  const report = await play(api, plugin, { registrations, site }, sinceMs);
  await printOne(context, report, flags.output, {
    name: plugin.name,
    describe: describeReport,
  });
  const differs = report.differences.length > 0;
  return differs && flags.strict ? EXIT.failed : EXIT.done;
}

/** What it is registered for and with what, as the version that runs; else all that it handles. */
async function triedRegistrations(
  view: PluginView | null,
  plugin: AlonePlugin,
  file: string | undefined,
): Promise<TriedRegistration[]> {
  const given = file === undefined ? null : await readOptionsFile(file);
  const registered = view?.registrations ?? [];
  if (registered.length > 0) {
    // As they stand in their chains, which is how their answers were recorded.
    return registered.toSorted((a, b) =>
      (a.order ?? Infinity) === (b.order ?? Infinity)
        ? 0
        : (a.order ?? Infinity) - (b.order ?? Infinity)
    ).map(({ event, options }) => ({ event, options: given ?? options }));
  }
  const options = given ?? view?.options ?? {};
  const events = await handledEvents(plugin, options);
  return events.map((event) => ({ event, options }));
}

/**
 * What the configuration grants, but for what leaves something behind on the
 * machine of whoever tests: it was granted for another.
 */
function grantsFor(view: PluginView | null): GrantsInput | undefined {
  if (view === null || view.grants === null) return undefined;
  const { write: _write, run: _run, ...grants } = view.grants;
  return grants;
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
  { registrations, site }: {
    readonly registrations: readonly Registration[];
    readonly site: StandIn;
  },
  sinceMs: number,
): Promise<Report> {
  const since = new Date(sinceMs).toISOString();
  const byEvent = Map.groupBy(registrations, ({ event }) => event);
  const differences: Difference[] = [];
  const deeds: Deed[] = [];
  let played = 0;
  let missing = 0;
  const lines = api.stream("recordedEvents", { query: { since } });
  for await (const value of lines) {
    const line = RecordedLine.parse(value);
    if (line.type === "gap") {
      missing += line.dropped;
      continue;
    }
    const { decision, at, event } = line;
    for (const [number, one] of (byEvent.get(event) ?? []).entries()) {
      const past = pastCall(line, plugin.name, number);
      if (past === null) continue;
      if (number === 0) played++;
      const { input, outcome } = past;
      const now = await plugin.call(one, input, decision, true);
      const about = aboutOf(input, decision);
      deeds.push(
        ...site.takeDeeds().map((what) => ({ at, event, about, what })),
      );
      if (isSameOutcome(input, outcome, now)) continue;
      differences.push({
        at,
        event,
        decision,
        about,
        then: outcomeText(input, outcome),
        now: outcomeText(input, now),
      });
    }
  }
  const { name, snapshot: { hash } } = plugin;
  return { plugin: name, hash, since, played, missing, differences, deeds };
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
  { plugin, since, played, missing, differences, deeds }: Report,
): string {
  const lines = differences.map(({ at, event, about, then, now }) =>
    `${at} ${event} ${printable(about)}\n  then: ${printable(then)}\n  now:  ${
      printable(now)
    }\n`
  );
  const gaps = missing === 0
    ? ""
    : `; ${missing} event(s) of that time were not recorded`;
  const done = deeds.slice(0, SHOWN_DEEDS).map(({ at, event, about, what }) =>
    `${at} ${event} ${printable(about)}\n  would: ${printable(what)}\n`
  );
  const more = deeds.length > SHOWN_DEEDS
    ? `and ${deeds.length - SHOWN_DEEDS} more; -o json has them all\n`
    : "";
  return `${lines.join("")}${
    done.join("")
  }${more}${played} event(s) since ${since} played to ${plugin}, ${differences.length} would have been decided otherwise${gaps}\n`;
}
