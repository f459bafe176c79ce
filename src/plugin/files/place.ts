/**
 * Where in a plugin something went wrong, from the text of a stack.
 *
 * @module
 */

/** In the path of every snapshot; see `snapshot.ts`. */
export const SNAPSHOT_MARK = /\/plugins\/[0-9a-f]{64}\//;

/**
 * The first place of `stack` in a plugin's own files, as `lib/a.ts:3:7`; null
 * when it has none there.
 */
export function placeOf(stack: string): string | null {
  for (const line of stack.split("\n").slice(1)) {
    const [, path, place] = /(file:\/\/[^\s()]+?)(:\d+:\d+)\)?$/.exec(line) ??
      [];
    if (path === undefined) continue;
    const mark = SNAPSHOT_MARK.exec(path);
    const from = mark === null
      ? path.lastIndexOf("/plugins/") + "/plugins/".length
      : mark.index + mark[0].length;
    if (mark !== null || path.includes("/plugins/")) {
      return decodeURI(path.slice(from)) + place;
    }
  }
  return null;
}
