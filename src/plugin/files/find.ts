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
  if (await statOrNull(SITE_FOLDER) !== null && !dirs.includes(SITE_FOLDER)) {
    (await lookIn(SITE_FOLDER)).forEach(add);
  }
  for (const dir of new Set(dirs)) {
    if (!(await statOrNull(dir))?.isDirectory) {
      throw unreadable(dir, "there is no such folder");
    }
    (await lookIn(dir)).forEach(add);
  }
  return found;
}

/** The plugin at a path that somebody names. Throws `invalid_input` when none is there. */
export async function pluginAt(path: string): Promise<PluginPlace> {
  const [, folder = "", base = ""] = /^(.*)\/([^/]+)\/*$/.exec(path) ?? [];
  const stat = await statOrNull(path);
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
  const names = await listFolder(dir).catch((error) => {
    throw unreadable(dir, messageOf(error));
  });
  const places: PluginPlace[] = [];
  for (const name of names) {
    const path = `${dir}/${name}`;
    const stat = await statOrNull(path);
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
  const inside = await listFolder(path).catch((error) => {
    throw unreadable(path, messageOf(error));
  });
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

function unreadable(dir: string, why: string): UsherError {
  const plain = /^(.*?) \(os error/.exec(why)?.[1]?.toLowerCase() ?? why;
  return new UsherError(
    "unavailable",
    `Cannot read the plugin folder "${dir}": ${plain}`,
    {
      subject: dir,
      hint: "check plugin_dirs, and that the controller may read it",
    },
  );
}
