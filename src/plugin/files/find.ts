/**
 * Where plugins lie: those that ship, and those of the folders that the
 * configuration names.
 *
 * A plugin is `NAME.ts` or `NAME.js`, or a folder `NAME` with `plugin.ts`,
 * `plugin.js`, `mod.ts` or `mod.js`. Everything else in such a folder is not
 * a plugin and is passed over. Two of one name are a mistake, since nobody
 * could say which of them runs.
 *
 * @module
 */
import { messageOf, UsherError } from "../../error/mod.ts";
import { PluginName } from "../../schema/plugin.ts";
import { listFolder, statOrNull } from "../../sys/file.ts";
import { BUILT_IN } from "../runner.ts";

/** A folder that is looked in when it is there. */
export const SITE_FOLDER = "/etc/usher/plugins";

/** One plugin on disk. */
export interface PluginPlace {
  readonly name: string;
  /** What it is called in messages: its path, or `built in`. */
  readonly source: string;
  /** Its folder, or the one that its only file lies in. */
  readonly root: string;
  /** Below `root`. */
  readonly entry: string;
  /** It is one file, and what lies beside it is none of its. */
  readonly isFile: boolean;
}

/** Where to look. */
export interface PluginFolders {
  /** With the plugins that ship; null for a controller without. */
  readonly shipped: string | null;
  /** `plugin_dirs`; each must be there. */
  readonly dirs: readonly string[];
}

const FILE = /^([a-z][a-z0-9_]{0,31})\.(?:ts|js)$/;
const TEST = /_test\.(?:ts|js)$/;
const ENTRIES = ["plugin.ts", "plugin.js", "mod.ts", "mod.js"];

/** All plugins, by name. Throws `invalid_input` for two of one name, and `unavailable` for a folder that cannot be read. */
export async function findPlugins(
  { shipped, dirs }: PluginFolders,
): Promise<ReadonlyMap<string, PluginPlace>> {
  const found = new Map<string, PluginPlace>();
  const add = (place: PluginPlace) => {
    const other = found.get(place.name);
    if (other !== undefined) throw twoOf(other, place);
    found.set(place.name, place);
  };
  if (shipped !== null) {
    for (const place of await lookIn(shipped)) {
      add({ ...place, source: BUILT_IN });
    }
  }
  if (await look(SITE_FOLDER) !== null && !dirs.includes(SITE_FOLDER)) {
    (await lookIn(SITE_FOLDER)).forEach(add);
  }
  for (const dir of new Set(dirs)) {
    if (!(await look(dir))?.isDirectory) {
      throw unreadable(
        "the plugin folder",
        dir,
        "there is no such folder",
        "check plugin_dirs",
      );
    }
    (await lookIn(dir)).forEach(add);
  }
  return found;
}

/** The plugin at a path that somebody names. Throws `invalid_input` when none is there. */
export async function pluginAt(path: string): Promise<PluginPlace> {
  const [, folder = "", base = ""] = /^(.*)\/([^/]+)\/*$/.exec(path) ?? [];
  const stat = await look(path);
  if (stat === null) {
    throw new UsherError("invalid_input", `There is no plugin at "${path}"`, {
      subject: path,
      hint: "name a file NAME.ts or NAME.js, or a folder with plugin.ts in it",
    });
  }
  const place = stat.isDirectory
    ? await folderPlace(path.replace(/\/+$/, ""), base)
    : filePlace(folder, base);
  if (place !== null) return place;
  throw new UsherError(
    "invalid_input",
    stat.isDirectory
      ? `The folder "${path}" has no plugin.ts, plugin.js, mod.ts or mod.js`
      : `"${path}" cannot be a plugin`,
    {
      subject: path,
      hint: `its name ${PluginName.safeParse("").error?.issues[0]?.message}`,
    },
  );
}

async function lookIn(dir: string): Promise<PluginPlace[]> {
  const names = await namesIn(dir);
  const places: PluginPlace[] = [];
  for (const name of names) {
    const path = `${dir}/${name}`;
    const stat = await look(path);
    const place = stat?.isDirectory
      ? await folderPlace(path, name)
      : stat?.isFile
      ? filePlace(dir, name)
      : null;
    if (place !== null) places.push(place);
  }
  return places;
}

async function folderPlace(
  path: string,
  name: string,
): Promise<PluginPlace | null> {
  if (!PluginName.safeParse(name).success) return null;
  const inside = await namesIn(path);
  const entry = ENTRIES.find((one) => inside.includes(one));
  return entry === undefined
    ? null
    : { name, source: path, root: path, entry, isFile: false };
}

function filePlace(dir: string, base: string): PluginPlace | null {
  const [, name] = TEST.test(base) ? [] : FILE.exec(base) ?? [];
  return name === undefined ? null : {
    name,
    source: `${dir}/${base}`,
    root: dir === "" ? "/" : dir,
    entry: base,
    isFile: true,
  };
}

function twoOf(one: PluginPlace, other: PluginPlace): UsherError {
  return new UsherError(
    "invalid_input",
    `Two plugins are called "${one.name}": ${one.source} and ${other.source}`,
    {
      subject: one.name,
      hint: "rename one of them, or move it out of the folder",
    },
  );
}

/** What lies at `path`, or null. A link that leads nowhere is nothing. */
async function look(path: string) {
  try {
    return await statOrNull(path);
  } catch (error) {
    const above = path.slice(0, path.lastIndexOf("/")) || "/";
    const hint =
      `the user that usher runs as must be allowed to enter "${above}" and all folders above it`;
    throw unreadable("", path, whyOf(messageOf(error)), hint);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return await listFolder(folder).catch((error) => {
    throw unreadable(
      "the plugin folder",
      folder,
      whyOf(messageOf(error)),
      mayRead(folder),
    );
  });
}

/** What to do about a file or folder that may not be read. */
export function mayRead(path: string): string {
  return `the user that usher runs as must be allowed to read it: ls -ld ${path} shows who is`;
}

/** What the system says, without its number. */
function whyOf(said: string): string {
  return /^(.*?)(?: \(os error|: \w+ ')/.exec(said)?.[1]?.toLowerCase() ?? said;
}

function unreadable(
  what: string,
  path: string,
  why: string,
  hint: string,
): UsherError {
  const named = what === "" ? `"${path}"` : `${what} "${path}"`;
  return new UsherError("unavailable", `Cannot read ${named}: ${why}`, {
    subject: path,
    hint,
  });
}
