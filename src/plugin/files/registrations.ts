/**
 * From plugins that were read and what the configuration says of them to
 * registrations: every rule that needs no plugin to run.
 *
 * The whole set is judged at once, since an event that one plugin declares
 * may be what another is registered for. The first mistake is thrown and
 * nothing comes of the set; but what is wrong with a plugin that is turned off
 * is its own affair, since turning it off must help.
 *
 * @module
 */
import { EVENTS, isEventName } from "../../schema/event.ts";
import type {
  EventRegistration,
  Manifest,
  PluginConfig,
} from "../../schema/plugin.ts";
import { isUsherError, type UsherError } from "../../error/mod.ts";
import {
  type KeyPath,
  type Locate,
  meant,
  type Mistake,
  mistakeError,
} from "./mistake.ts";
import type { LoadedPlugin, Registration, Snapshot } from "../runner.ts";
import { readPeriod, readWhen } from "../when.ts";

/** A plugin as its file says it is, and as the configuration wants it. */
export interface ReadPlugin {
  /** The name of its file or folder, and its key in ctrl.yaml. */
  readonly name: string;
  readonly snapshot: Snapshot;
  readonly manifest: Manifest;
  readonly config: PluginConfig;
  /** Events that it has handlers for; `*` among them when it has a generic one. */
  readonly handles: readonly string[];
}

/** What the rules need to know besides. */
export interface RegistrationContext {
  readonly locate: Locate;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Numbers registrations: each number is higher than all before. From 1 when absent. */
  nextId?(): number;
  /** Whether a timer of the past is an old one, which has fired or is owed. */
  isKnownTimer(plugin: string, when: string): boolean;
  /** Told what is wrong with one that is turned off: the first thing. */
  brokenOff?(plugin: string, mistake: UsherError): void;
}

/**
 * Makes the registrations of those of a set that are to run; `off` are the
 * others of it. Throws `invalid_input` with file, line and key.
 */
export function registerAll(
  plugins: readonly ReadPlugin[],
  context: RegistrationContext,
  off: readonly ReadPlugin[] = [],
): LoadedPlugin[] {
  // Those that run first: where two declare the same, the other is in the way.
  const declared = declaredEvents([...plugins, ...off]);
  const [mistake] = [
    ...declared.mistakes.filter(({ path: [, name] }) =>
      plugins.some((plugin) => plugin.name === name)
    ),
    ...plugins.flatMap((plugin) => mistakesOf(plugin, declared.by, context)),
  ];
  if (mistake !== undefined) throw mistakeError(mistake, context.locate);
  for (const plugin of off) {
    const [its] = [
      ...declared.mistakes.filter(({ path: [, name] }) => plugin.name === name),
      ...mistakesOf(plugin, declared.by, context),
    ];
    if (its === undefined) continue;
    context.brokenOff?.(plugin.name, mistakeError(its, context.locate));
  }
  let ids = 0;
  const nextId = () => context.nextId?.() ?? ++ids;
  return plugins.map(({ name, snapshot, manifest, config, handles }) => ({
    name,
    snapshot,
    manifest,
    config,
    handles,
    registrations: config.events.map((given) =>
      registrationOf(nextId(), name, config, given)
    ),
  }));
}

function registrationOf(
  id: number,
  plugin: string,
  config: PluginConfig,
  given: EventRegistration,
): Registration {
  return {
    id,
    plugin,
    event: given.event,
    order: given.order ?? null,
    options: optionsOf(config, given),
    deadlineMs: given.deadline ?? null,
    ...(given.period === undefined ? {} : { period: given.period }),
    ...(given.when === undefined ? {} : { when: given.when }),
  };
}

/** The options of one registration: the plugin's, and its own over them. */
export function optionsOf(
  { options }: PluginConfig,
  registration: EventRegistration,
): Record<string, unknown> {
  return { ...options, ...registration.options };
}

/** Events that plugins declare, by name, and those that cannot be. */
function declaredEvents(plugins: readonly ReadPlugin[]) {
  const by = new Map<string, string>();
  const mistakes: Mistake[] = [];
  for (const { name, manifest, snapshot } of plugins) {
    for (const event of Object.keys(manifest.events)) {
      const other = isEventName(event) ? "usher" : by.get(event);
      if (other === undefined) {
        by.set(event, name);
        continue;
      }
      mistakes.push({
        path: ["plugins", name],
        message: other === "usher"
          ? `plugin "${name}" (${snapshot.source}) declares "${event}", which is an event of usher's own`
          : `plugins "${other}" and "${name}" both declare the event "${event}"`,
        hint:
          `declare it under another name in the manifest, such as ${name}_${event}`,
      });
    }
  }
  return { by, mistakes };
}

function mistakesOf(
  plugin: ReadPlugin,
  declared: ReadonlyMap<string, string>,
  context: RegistrationContext,
): Mistake[] {
  const { name, manifest, config, snapshot } = plugin;
  const found: Mistake[] = [];
  if (manifest.name !== name) {
    found.push({
      path: ["plugins", name],
      message:
        `the manifest of ${snapshot.source} says "${manifest.name}", and its file says "${name}"`,
      hint: "let the file or folder and the manifest have one name",
    });
  }
  config.events.forEach((given, index) => {
    const at = ["plugins", name, "events", index];
    found.push(
      ...eventMistakes(plugin, given, at, declared),
      ...clockMistakes(plugin, given, at, context),
    );
  });
  return found;
}

function eventMistakes(
  { name, handles, snapshot }: ReadPlugin,
  { event }: EventRegistration,
  at: KeyPath,
  declared: ReadonlyMap<string, string>,
): Mistake[] {
  const path = [...at, "event"];
  if (!isEventName(event) && !declared.has(event)) {
    return [{
      path,
      message: `there is no event "${event}"`,
      hint: meantEvent(event, declared),
    }];
  }
  if (handles.includes(event) || handles.includes("*")) return [];
  return [{
    path,
    message: `plugin "${name}" has no handler for "${event}"`,
    hint: handles.length === 0
      ? `write one in ${snapshot.source}`
      : `it has handlers for ${handles.toSorted().join(", ")}`,
  }];
}

function meantEvent(
  event: string,
  declared: ReadonlyMap<string, string>,
): string {
  const near = meant(event, [...Object.keys(EVENTS), ...declared.keys()]);
  return near.startsWith("did you") ? near : "usher event list shows them all";
}

function clockMistakes(
  { name }: ReadPlugin,
  { event, period, when }: EventRegistration,
  at: KeyPath,
  { now, isKnownTimer }: RegistrationContext,
): Mistake[] {
  const found: Mistake[] = [];
  if (event === "periodic" && period === undefined) {
    found.push({
      path: at,
      message: '"periodic" needs a period',
      hint: 'add period: 5m, or five fields of cron such as "0 3 * * *"',
    });
  }
  if (event !== "periodic" && period !== undefined) {
    found.push({
      path: [...at, "period"],
      message: `"${event}" has no period; only "periodic" has one`,
      hint: "leave it out, or register for periodic",
    });
  }
  if (typeof period === "string") {
    const path = [...at, "period"];
    found.push(...unreadable(path, () => readPeriod(period)));
  }
  if (event === "timer" && when === undefined) {
    found.push({
      path: at,
      message: '"timer" needs a moment',
      hint:
        "add when: 2027-01-31T04:00:00Z, or when: +30s after the plugin begins",
    });
  }
  if (event !== "timer" && when !== undefined) {
    found.push({
      path: [...at, "when"],
      message: `"${event}" has no moment; only "timer" has one`,
      hint: "leave when out, or register for timer",
    });
  }
  if (event === "timer" && when !== undefined) {
    const path = [...at, "when"];
    found.push(...unreadable(path, () => readWhen(when)));
    if (found.length === 0 && isOver(when, now) && !isKnownTimer(name, when)) {
      found.push({
        path,
        message: `${when} is in the past`,
        hint: `it is ${
          new Date(now).toISOString()
        } now; +1s comes a second after the plugin begins`,
      });
    }
  }
  return found;
}

/** What `read` says is wrong, as a mistake there. */
function unreadable(path: KeyPath, read: () => unknown): Mistake[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!isUsherError(error)) throw error;
    return [{ path, message: error.message, hint: error.details.hint ?? "" }];
  }
}

function isOver(when: string, now: number): boolean {
  const read = readWhen(when);
  return read.type === "at" && read.at <= now;
}
