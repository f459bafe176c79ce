/**
 * Versions of plugins as they ran: beside each snapshot, how the plugin in it
 * was registered and what it was granted. So what began with a version can go
 * on with it after a restart, whatever the configuration says meanwhile.
 *
 * Options may hold passwords: what is written here is readable by the owner of
 * the state alone, and lies outside of the folder that the plugin may read. It
 * goes once its snapshot has.
 *
 * @module
 */
import { z } from "zod";
import { Manifest, PluginConfig } from "../../schema/plugin.ts";
import {
  listFolder,
  makeFolder,
  readTextOrNull,
  removeIfThere,
  statOrNull,
  writeDurably,
} from "../../sys/file.ts";
import type { LoadedPlugin } from "../runner.ts";

/** A version as it is written. */
const VersionFile = z.object({
  v: z.literal(1),
  name: z.string(),
  snapshot: z.object({
    source: z.string(),
    hash: z.string(),
    entry: z.string(),
  }),
  manifest: Manifest,
  /** As it was parsed: not to be parsed again. */
  config: z.custom<PluginConfig>(isObject),
  handles: z.array(z.string()),
  registrations: z.array(z.object({
    event: z.string(),
    order: z.number().nullable(),
    options: z.unknown(),
    deadlineMs: z.number().nullable(),
  })),
});

/** Notes how a plugin runs, durably; what was noted of the same version before is over. */
export async function noteVersion(
  store: string,
  plugin: LoadedPlugin,
): Promise<void> {
  const { name, manifest, config, handles } = plugin;
  const { source, hash, entry } = plugin.snapshot;
  const path = pathOf(store, name, hash);
  const text = JSON.stringify(
    {
      v: 1,
      name,
      snapshot: { source, hash, entry },
      manifest,
      config,
      handles: [...handles],
      registrations: plugin.registrations.map((one) => ({
        event: one.event,
        order: one.order,
        options: one.options,
        deadlineMs: one.deadlineMs,
      })),
    } satisfies z.input<typeof VersionFile>,
  );
  if (await readTextOrNull(path) === text) return;
  await makeFolder(folderOf(store));
  await writeDurably(path, text);
}

/**
 * The version of a plugin that has this hash, with registrations that `nextId`
 * numbers, and no clocks; null when it is gone, or its file is not as this
 * usher writes it.
 */
export async function recallVersion(
  store: string,
  name: string,
  hash: string,
  nextId: () => number,
): Promise<LoadedPlugin | null> {
  const folder = `${store}/${hash}`;
  const text = await readTextOrNull(pathOf(store, name, hash));
  if (text === null || await statOrNull(folder) === null) return null;
  const parsed = VersionFile.safeParse(jsonOf(text));
  if (!parsed.success || parsed.data.name !== name) return null;
  const { snapshot, manifest, config, handles, registrations } = parsed.data;
  return {
    name,
    snapshot: { ...snapshot, folder },
    manifest,
    config,
    handles,
    registrations: registrations.map((one) => ({
      ...one,
      id: nextId(),
      plugin: name,
    })),
  };
}

/** Removes what was noted of versions whose snapshots are gone from `store`. */
export async function forgetVersions(store: string): Promise<void> {
  for (const file of await listFolder(folderOf(store))) {
    const hash = file.slice(0, file.indexOf("."));
    if (await statOrNull(`${store}/${hash}`) !== null) continue;
    await removeIfThere(`${folderOf(store)}/${file}`);
  }
}

function folderOf(store: string): string {
  return `${store}/versions`;
}

function pathOf(store: string, name: string, hash: string): string {
  return `${folderOf(store)}/${hash}.${name}.json`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
