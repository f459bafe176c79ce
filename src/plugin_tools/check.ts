/**
 * `usher plugin check`: what a plugin is, whether its checks hold, and what
 * would be another than with the version that runs.
 *
 * @module
 */
import type { Context, Input } from "../client/command.ts";
import type { check as command } from "../client/commands/plugin/tools.ts";
import { EXIT } from "../client/exit.ts";
import { type Fact, renderFacts } from "../client/render/describe.ts";
import { printOne } from "../client/render/output.ts";
import { renderTable } from "../client/render/table.ts";
import { readYaml } from "../config/yaml_file.ts";
import { UsherError } from "../error/mod.ts";
import type { PluginReading } from "../plugin/files/read.ts";
import { EVENTS } from "../schema/event.ts";
import { didYouMean } from "../schema/nearest.ts";
import { permissionTexts } from "../schema/permission_text.ts";
import type { Manifest, PermissionSet, PluginView } from "../schema/plugin.ts";
import { PluginChecks } from "../schema/plugin_check.ts";
import { absolutePath } from "../sys/file.ts";
import { readGivenOrNull } from "../sys/given_file.ts";
import { AlonePlugin, issueTexts } from "./alone.ts";
import { type CheckResult, runChecks } from "./checks.ts";
import { optionRows } from "./option_rows.ts";
import { readOptionsFile } from "./options_file.ts";

type CheckInput = Input<typeof command.flags>;

/** All that a check finds. */
interface Found {
  readonly name: string;
  readonly hash: string;
  readonly manifest: Manifest;
  readonly events: readonly string[];
  readonly optionsSchema: unknown;
  /** What is wrong with the options that were given, and with what it handles. */
  readonly mistakes: readonly string[];
  /** What may be right, and is rather not. */
  readonly notes: readonly string[];
  readonly checks: readonly CheckResult[];
  /** What its manifest asks for and it did not have while it was checked. */
  readonly notTried: readonly (keyof PermissionSet)[];
  /** Against the version that runs; null where none could be asked for. */
  readonly running: {
    readonly hash: string;
    readonly changes: readonly string[];
  } | null;
}

/** Runs the command; answers the exit code. */
export async function runCheck(
  context: Context,
  { words: [path = ""], flags }: CheckInput,
): Promise<number> {
  await using plugin = await AlonePlugin.open(path);
  const checks = await readChecks(path);
  const options = flags.options === undefined
    ? checks.options
    : await readOptionsFile(flags.options);
  const reading = await plugin.read([{ event: "*", options }]);
  const mistakes = issueTexts(reading.registrations[0]?.issues ?? []);
  const { permissions: asked } = reading.manifest;
  const permissions: PermissionSet = flags["allow-net"] && asked.net
    ? { net: asked.net }
    : {};
  const results = mistakes.length > 0
    ? []
    : await runChecks(plugin, reading, { ...checks, options }, permissions);
  const strange = strangeEvents(reading);
  const found: Found = {
    name: plugin.name,
    hash: plugin.snapshot.hash,
    manifest: reading.manifest,
    events: reading.handles,
    optionsSchema: reading.schema,
    mistakes: [...mistakes, ...strange.misspelt],
    notes: strange.ofOthers,
    checks: results,
    notTried: Object.keys(asked).filter((kind) =>
      !Object.hasOwn(permissions, kind)
    ) as (keyof PermissionSet)[],
    running: await compare(context, plugin, reading),
  };
  await printOne(context, found, flags.output, {
    name: plugin.name,
    describe: describeFound,
  });
  const isRight = found.mistakes.length === 0 && nameMistake(found) === null &&
    results.every(({ problem }) => problem === null);
  return isRight ? EXIT.done : EXIT.failed;
}

async function readChecks(path: string): Promise<PluginChecks> {
  const file = `${absolutePath(path)}/checks.yaml`;
  const text = await readGivenOrNull(file).catch(() => null);
  return text === null
    ? PluginChecks.parse({})
    : readYaml(file, text, PluginChecks);
}

/** Handlers of events that neither usher nor the plugin itself has. */
function strangeEvents(
  { handles, manifest: { events } }: PluginReading,
): { misspelt: string[]; ofOthers: string[] } {
  const known = [...Object.keys(EVENTS), ...Object.keys(events)];
  const [misspelt, ofOthers]: [string[], string[]] = [[], []];
  for (const event of handles) {
    if (event === "*" || known.includes(event)) continue;
    const meant = didYouMean(event, known);
    if (meant !== "") {
      misspelt.push(`it handles "${event}", which is no event: ${meant}`);
    } else {
      ofOthers.push(
        `it handles "${event}", which another plugin must declare`,
      );
    }
  }
  return { misspelt, ofOthers };
}

function nameMistake({ name, manifest }: Found): string | null {
  return manifest.name === name
    ? null
    : `its manifest says "${manifest.name}", and its file says "${name}"`;
}

/** What would be another than with the version that runs, where a controller can be asked. */
async function compare(
  context: Context,
  { name, snapshot }: AlonePlugin,
  reading: PluginReading,
): Promise<Found["running"]> {
  const { controller, token } = await context.settings();
  if (controller === null || token === undefined) return null;
  let view: PluginView;
  try {
    view = await (await context.api()).call("plugin", { params: { name } });
  } catch (error) {
    if (!(error instanceof UsherError)) throw error;
    context.io.stderr.write(`not compared: ${error.message}\n`);
    return null;
  }
  if (view.manifest === null) return null;
  const changes = snapshot.hash === view.hash
    ? []
    : changesFrom(view, view.manifest, reading);
  return { hash: view.hash, changes };
}

function changesFrom(
  view: PluginView,
  before: Manifest,
  { manifest, handles, schema }: PluginReading,
): string[] {
  const options = (of: unknown) =>
    optionRows(of).map(({ name, type }) => `option ${name}: ${type}`);
  const events = view.registrations.map(({ event }) => event);
  const lost = [...new Set(events)].filter((event) =>
    !handles.includes(event) && !handles.includes("*")
  );
  return [
    ...plusMinus(asksOf(before), asksOf(manifest)),
    ...plusMinus(
      Object.keys(before.events).map((name) => `declares ${name}`),
      Object.keys(manifest.events).map((name) => `declares ${name}`),
    ),
    ...plusMinus(options(view.optionsSchema), options(schema)),
    ...lost.map((event) => `- handler of ${event}, which it is registered for`),
    ...(before.version === manifest.version
      ? []
      : [`version ${before.version} → ${manifest.version}`]),
  ];
}

function plusMinus(before: readonly string[], after: readonly string[]) {
  return [
    ...after.filter((one) => !before.includes(one)).map((one) => `+ ${one}`),
    ...before.filter((one) => !after.includes(one)).map((one) => `- ${one}`),
  ];
}

/** What a manifest asks for, each in a few words. */
function asksOf(manifest: Manifest): string[] {
  const { permissions, ctx, verbs } = manifest;
  return [
    ...ctx.map((name) => `ctx.${name}`),
    ...verbs.map((verb) => `verb ${verb}`),
    ...permissionTexts(permissions),
  ];
}

/** What of it a check says nothing about, and how it would. */
function untriedText({ manifest: { permissions }, notTried }: Found): string {
  if (notTried.length === 0) return "";
  const all = notTried.map((kind) => [kind, permissions[kind]]);
  return `${
    permissionTexts(Object.fromEntries(all)).join(", ")
  }: it had none of these here${
    notTried.includes("net") ? "; --allow-net lets it reach its servers" : ""
  }`;
}

function describeFound(found: Found): string {
  const { name, hash, manifest, events, mistakes, notes, checks, running } =
    found;
  const facts: Fact[] = [
    ["name", name],
    ["version", manifest.version],
    ["about", manifest.description],
    ["author", manifest.author],
    ["asks for", asksOf(manifest).join(", ") || "nothing"],
    ["handles", events.toSorted().join(", ") || "nothing"],
    ["declares", Object.keys(manifest.events).join(", ")],
    ["not tried", untriedText(found)],
    ["hash", hash],
    ...notes.map((text): Fact => ["note", text]),
    ...[...mistakes, nameMistake(found)].flatMap((text): Fact[] =>
      text === null ? [] : [["mistake", text]]
    ),
  ];
  const rows = optionRows(found.optionsSchema);
  const options = rows.length === 0 ? "" : "\n" + renderTable(rows, [
    { key: "option", value: ({ name }) => name },
    { key: "type", value: ({ type }) => type },
    { key: "default", value: (row) => row.default },
    { key: "about", value: ({ about }) => about },
  ], { header: true, color: false, width: Infinity });
  const results = checks.map(({ name, problem }) =>
    problem === null ? `ok      ${name}\n` : `not ok  ${name}: ${problem}\n`
  );
  return renderFacts(facts) + options +
    (results.length === 0 ? "" : `\n${results.join("")}`) +
    runningText(running);
}

function runningText(running: Found["running"]): string {
  if (running === null) return "";
  const { hash, changes } = running;
  const head = `\nagainst the one that runs (${hash.slice(0, 12)}):`;
  return changes.length === 0
    ? `${head} nothing that is asked, declared or configured differs\n`
    : `${head}\n${changes.map((text) => `  ${text}\n`).join("")}`;
}
