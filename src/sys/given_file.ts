/**
 * Files that a person names: on a command line, in a variable, in another
 * file. Whatever is wrong with one is the person's to mend, and never a fault
 * of usher.
 *
 * @module
 */
import { readTextOrNull } from "./file.ts";

/** The text of `path`, or null when there is none. Throws `invalid_input`. */
export async function readGivenOrNull(path: string): Promise<string | null> {
  try {
    return await readTextOrNull(path);
  } catch (error) {
    // Loaded only now: a command that goes well has no use for it.
    const { UsherError } = await import("../error/mod.ts");
    throw new UsherError(
      "invalid_input",
      `Cannot read ${path}: ${whyUnreadable(error)}`,
      { cause: error },
    );
  }
}

/** The text of `path`, which must be there. Throws `invalid_input`. */
export async function readGiven(path: string): Promise<string> {
  const text = await readGivenOrNull(path);
  if (text !== null) return text;
  const { UsherError } = await import("../error/mod.ts");
  throw new UsherError(
    "invalid_input",
    `Cannot read ${path}: there is no such file`,
  );
}

function whyUnreadable(error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied) {
    return "its permissions do not let you";
  }
  const text = error instanceof Error ? error.message : String(error);
  if (/is a directory/i.test(text)) return "it is a folder, not a file";
  if (/not a directory/i.test(text)) return "a part of its path is no folder";
  return text.replace(/ \(os error \d+\).*$/, "").toLowerCase();
}
