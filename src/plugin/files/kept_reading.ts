/**
 * What a plugin was found to be, kept beside its snapshot, so that a controller
 * that starts again does not start every plugin twice: once to read it and once
 * to run it.
 *
 * It is used for the very files, the very options and the very usher that it
 * was read with, and only a reading in which nothing was wrong is kept. What
 * was asked stands in it as a digest, since options may hold passwords. What
 * cannot be read back is as if it were not there.
 *
 * @module
 */
import { z } from "zod";
import { Manifest } from "../../schema/plugin.ts";
import { readTextOrNull, writeBytes } from "../../sys/file.ts";
import { sha256Hex } from "../../sys/file_digest.ts";
import type { PluginReading, ToRead } from "./read.ts";

const Handles = z.array(z.string());

const Kept = z.object({
  /** Of all that it was read with. */
  digest: z.string(),
  reading: z.object({
    manifest: Manifest,
    handles: Handles,
    registrations: z.array(
      z.object({ handles: Handles, issues: z.array(z.never()) }),
    ),
    schema: z.unknown(),
  }),
});

const NAME = /^reading-([0-9a-f]{64})\.json$/;
const encoder = new TextEncoder();

/** The hash of the snapshot whose reading a file in the folder of snapshots is; null for any other file. */
export function keptFor(name: string): string | null {
  return NAME.exec(name)?.[1] ?? null;
}

/** What was kept of this plugin by `usher`, which names the program exactly; null when there is nothing. */
export async function keptReading(
  plugin: ToRead,
  usher: string,
): Promise<PluginReading | null> {
  try {
    const text = await readTextOrNull(pathOf(plugin));
    if (text === null) return null;
    const { digest, reading } = Kept.parse(JSON.parse(text));
    return digest === digestOf(plugin, usher) ? reading : null;
  } catch {
    return null; // of another version, or half written
  }
}

/** Keeps what a plugin is, unless something is wrong with it or it cannot be written. */
export async function keepReading(
  plugin: ToRead,
  usher: string,
  reading: PluginReading,
): Promise<void> {
  const digest = digestOf(plugin, usher);
  const kept = Kept.safeParse({ digest, reading });
  if (!kept.success) return;
  const bytes = encoder.encode(JSON.stringify(kept.data));
  // A disk that is full keeps nobody from reading a plugin.
  await writeBytes(pathOf(plugin), bytes).catch(() => {});
}

function pathOf({ snapshot: { folder, hash } }: ToRead): string {
  const store = folder.slice(0, folder.lastIndexOf("/"));
  return `${store}/reading-${hash}.json`;
}

function digestOf(
  { name, snapshot: { hash, entry }, registrations }: ToRead,
  usher: string,
): string {
  const asked = JSON.stringify([usher, name, hash, entry, registrations]);
  return sha256Hex([encoder.encode(asked)]);
}
