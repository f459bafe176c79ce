/**
 * Globs over names, values and paths: `*` for any text, `?` for one character.
 * In a path `*` stays within one folder and `**` does not.
 *
 * @module
 */

/** Whether `text` is what one of `globs` means; names, values and labels. */
export function isAnyOf(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => compiled(glob, ".").test(text));
}

/**
 * Whether `path` is what one of `globs` means. A path that goes up or is not
 * in its shortest form is none: `/srv/images/../../etc` lies where it leads.
 */
export function isPathOf(globs: readonly string[], path: string): boolean {
  const isPlain = path.split("/").slice(1)
    .every((part) => part !== "" && part !== "." && part !== "..");
  return isPlain && globs.some((glob) => compiled(glob, "[^/]").test(path));
}

const CACHE = new Map<string, RegExp>();

/** `one`: what a single character may be. */
function compiled(glob: string, one: string): RegExp {
  const key = `${one} ${glob}`;
  const known = CACHE.get(key);
  if (known !== undefined) return known;
  const source = (glob.match(/\*+|[^*]/gs) ?? []).map((token) => {
    if (token.startsWith("**")) return ".*";
    if (token === "*") return `${one}*`;
    return token === "?" ? one : token.replace(/[.+^${}()|[\]\\/]/, "\\$&");
  }).join("");
  const made = new RegExp(`^${source}$`, "su");
  CACHE.set(key, made);
  return made;
}
