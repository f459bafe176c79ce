/**
 * Snapshots of plugins: what a plugin's files were at one moment, with the
 * types taken out, so that what was checked is what runs.
 *
 * A snapshot lies in a folder that is named by its hash and is never written
 * to again. Lines and columns are those of the source, since types become
 * blanks.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import {
  makeFolder,
  removeIfThere,
  renameDurably,
  statOrNull,
  touch,
  writeSynced,
} from "../../sys/file.ts";
import { sha256Hex } from "../../sys/file_digest.ts";
import { readTree, TreeError, type TreeFile } from "../../sys/file_tree.ts";
import { newId } from "../../sys/id.ts";
import { bundled, needsBundle } from "./bundle.ts";
import { mayRead, type PluginPlace } from "./find.ts";
import { BUILT_IN, type Snapshot } from "../runner.ts";

const MAX_FILES = 1000;
const MAX_MIB = 32;
const TYPED = /\.[cm]?ts$/;
const NOT_RUN = /_test\.[cm]?[jt]s$|\.d\.[cm]?ts$/;
/** What the folder of a snapshot is called, */
export const HASH = /^[0-9a-f]{64}$/;
/** and how the name of one begins that is not whole. */
export const PART = "part-";

/**
 * Takes a snapshot of the plugin at `place` into `store`, a folder for
 * snapshots alone. Throws `invalid_input` for what cannot be one, with file,
 * line and column for wrong syntax.
 */
export async function takeSnapshot(
  place: PluginPlace,
  store: string,
): Promise<Snapshot> {
  const files = await readFiles(place);
  const hash = hashOf(files);
  const folder = `${store}/${hash}`;
  const snapshot = { source: place.source, hash, folder, entry: place.entry };
  if (await statOrNull(folder) !== null) {
    await touch(folder, Date.now());
    return snapshot;
  }
  const part = `${store}/${PART}${newId()}`;
  try {
    for (const { name, bytes } of files) {
      const path = `${part}/${name}`;
      await makeFolder(path.slice(0, path.lastIndexOf("/")));
      await writeSynced(path, await stripped(place, name, bytes));
    }
    await renameDurably(part, folder).catch(async (error) => {
      // Somebody else has just taken the same one.
      if (await statOrNull(folder) === null) throw error;
    });
  } finally {
    await removeIfThere(part);
  }
  return snapshot;
}

/** All files of a plugin that can matter when it runs, sorted by name. Throws `invalid_input`. */
export async function readFiles(
  { name, source, root, entry, isFile }: PluginPlace,
): Promise<TreeFile[]> {
  const wants = (base: string, isFolder: boolean) =>
    isFile
      ? !isFolder && base === entry
      : !base.startsWith(".") && base !== "node_modules" && !NOT_RUN.test(base);
  try {
    const files = await readTree(root, {
      wants,
      maxFiles: MAX_FILES,
      maxBytes: MAX_MIB * 2 ** 20,
    });
    if (source === BUILT_IN && needsBundle(files)) {
      return [{ name: entry, bytes: await bundled(`${root}/${entry}`) }];
    }
    if (files.some((file) => file.name === entry)) return files;
    throw new TreeError(`${root}/${entry}`, "there is no such file");
  } catch (error) {
    if (!(error instanceof TreeError)) throw error;
    throw new UsherError(
      "invalid_input",
      `Plugin "${name}": cannot read ${error.path}: ${error.why}`,
      {
        subject: name,
        hint: /permission/.test(error.why)
          ? mayRead(error.path)
          : "a plugin is a file, or a folder with all that it needs",
        cause: error,
      },
    );
  }
}

function hashOf(files: readonly TreeFile[]): string {
  return sha256Hex(files.flatMap(({ name, bytes }) => [
    new TextEncoder().encode(`${JSON.stringify(name)} ${bytes.length}\n`),
    bytes,
  ]));
}

/** The file as it is run. */
async function stripped(
  place: PluginPlace,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!TYPED.test(name)) return bytes;
  // 90 ms that a controller without plugins of its own is not to pay.
  const { stripTypes, SyntaxFault } = await import("./strip.ts");
  try {
    const code = stripTypes(new TextDecoder().decode(bytes));
    return new TextEncoder().encode(code);
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    const at = `${name}:${error.line}:${error.column}`;
    throw new UsherError(
      "invalid_input",
      `${pathOf(place, at)}: ${error.message}`,
      {
        subject: place.name,
        field: at,
        hint: error.isUnsupported
          ? "use TypeScript whose types can be taken out and leave JavaScript"
          : /^await /.test(error.message)
          ? "write async before the handler or function that it is in"
          : "look there, and at the line before",
      },
    );
  }
}

/** What a file of a plugin is called in messages; `at` is below its root. */
export function pathOf(
  { name, source, root }: Pick<PluginPlace, "name" | "source" | "root">,
  at: string,
): string {
  return source.startsWith("/") ? `${root}/${at}` : `${source} ${name}: ${at}`;
}
