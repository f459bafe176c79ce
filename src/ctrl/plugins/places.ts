/**
 * Where the plugins of the configuration lie: what is wrong with a path or a
 * folder is told with the key that names it.
 *
 * @module
 */
import { messageOf, UsherError } from "../../error/mod.ts";
import { pluginAt, type PluginPlace } from "../../plugin/files/find.ts";
import {
  type KeyPath,
  type Locate,
  lowered,
  meant,
  mistakeError,
} from "../../plugin/files/mistake.ts";
import type { PluginConfig } from "../../schema/plugin.ts";

/** Where a plugin of the configuration lies. Throws where that says what is not so. */
export async function placeOf(
  name: string,
  { path }: PluginConfig,
  { places, locate }: {
    readonly places: ReadonlyMap<string, PluginPlace>;
    readonly locate: Locate;
  },
): Promise<PluginPlace> {
  if (path !== undefined) {
    return { ...await placeAt(["plugins", name, "path"], path, locate), name };
  }
  const place = places.get(name);
  if (place !== undefined) return place;
  throw mistakeError({
    path: ["plugins", name],
    message: `there is no plugin "${name}" in any folder`,
    hint: `${
      meant(name, [...places.keys()])
    }; plugin_dirs names folders, and path a single plugin`,
  }, locate);
}

/** The plugin at a path that stands in the configuration. */
export async function placeAt(
  key: KeyPath,
  path: string,
  locate: Locate,
): Promise<PluginPlace> {
  try {
    return await pluginAt(path);
  } catch (error) {
    const hint = error instanceof UsherError ? error.details.hint : undefined;
    const message = lowered(messageOf(error));
    throw mistakeError({ path: key, message, hint }, locate);
  }
}

/** What is wrong with a folder of `plugin_dirs`, where it stands there. */
export function locatedIn(
  dirs: readonly string[],
  error: unknown,
  locate: Locate,
): unknown {
  if (!(error instanceof UsherError)) return error;
  const { subject = "", hint } = error.details;
  const index = dirs.findIndex((dir) =>
    subject === dir || subject.startsWith(`${dir.replace(/\/+$/, "")}/`)
  );
  if (index < 0) return error;
  const path = ["plugin_dirs", index];
  return mistakeError({ path, message: lowered(error.message), hint }, locate);
}
