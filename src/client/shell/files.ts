/**
 * Names of files, for the completion.
 *
 * @module
 */
import { listFolder, statOrNull } from "../../sys/file.ts";

/** The most files that are offered. */
const MOST = 500;

/** Paths that begin with `start`; those of folders end in a slash. */
export async function filesThatBegin(
  start: string,
  home: string | undefined,
): Promise<readonly string[]> {
  const cut = start.lastIndexOf("/") + 1;
  const shown = start.slice(0, cut);
  const name = start.slice(cut);
  const folder = shown.replace(/^~(?=\/)/, home ?? "~") || ".";
  const names = (await listFolder(folder)).filter((it) =>
    it.startsWith(name) && (name !== "" || !it.startsWith("."))
  );
  return await Promise.all(
    names.slice(0, MOST).map(async (it) => {
      const stat = await statOrNull(`${folder}/${it}`);
      return `${shown}${it}${stat?.isDirectory ? "/" : ""}`;
    }),
  );
}
