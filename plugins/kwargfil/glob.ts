/**
 * Patterns of names, values and paths, each compiled once.
 *
 * In a path a `*` stays within one folder, and a folder `**` stands for any
 * number of them.
 *
 * @module
 */
import type { PluginTools } from "@usher/plugin";

/** Patterns by what they were made from. */
export class Globs {
  readonly #compile: PluginTools["glob"];
  readonly #compiled = new Map<string, (text: string) => boolean>();

  constructor({ glob }: Pick<PluginTools, "glob">) {
    this.#compile = glob;
  }

  /** Whether a pattern can be read. */
  isGlob(glob: string): boolean {
    try {
      this.#of(glob);
      return true;
    } catch {
      return false;
    }
  }

  /** Whether `text` is what one of `globs` means. */
  isAny(globs: readonly string[], text: string): boolean {
    return globs.some((glob) => this.#of(glob)(text));
  }

  /**
   * Whether `path` is what one of `globs` means. A path that goes up or is not
   * in its shortest form is none: `/srv/images/../../etc` lies where it leads.
   */
  isPath(globs: readonly string[], path: string): boolean {
    const parts = path.split("/").slice(1);
    const isPlain = parts.every((part) =>
      part !== "" && part !== "." && part !== ".."
    );
    return isPlain &&
      globs.some((glob) => this.#leads(glob.split("/").slice(1), parts));
  }

  /** Behind a `**` only the last one takes one folder more: that suffices. */
  #leads(globs: readonly string[], parts: readonly string[]): boolean {
    let glob = 0;
    let part = 0;
    let deep = -1;
    let deepPart = 0;
    while (part < parts.length) {
      const wanted = globs[glob];
      if (wanted === "**") {
        deep = glob++;
        deepPart = part;
      } else if (wanted !== undefined && this.#of(wanted)(parts[part] ?? "")) {
        glob++;
        part++;
      } else if (deep >= 0) {
        glob = deep + 1;
        part = ++deepPart;
      } else return false;
    }
    while (globs[glob] === "**") glob++;
    return glob === globs.length;
  }

  #of(glob: string): (text: string) => boolean {
    const known = this.#compiled.get(glob);
    if (known !== undefined) return known;
    const made = this.#compile(glob);
    this.#compiled.set(glob, made);
    return made;
  }
}
