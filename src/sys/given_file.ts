/**
 * Files that a person names: on a command line, in a variable, in another
 * file. Whatever is wrong with one is the person's to mend, and never a fault
 * of usher.
 *
 * @module
 */

/** The most that a person writes by hand; a device or a disk image has no end. */
const MAX_BYTES = 1024 * 1024;

/**
 * The text of `path`, or null when there is none. It may be what another
 * program pipes in, as `<(COMMAND)` does. Throws `invalid_input`.
 */
export function readGivenOrNull(path: string): Promise<string | null> {
  return orNull(path, readText);
}

/**
 * The same of a file that is read again whenever that is asked for, such as a
 * configuration: a pipe has its text once, keeps who opens it waiting for a
 * writer, and is refused. /dev/null holds nothing, as people mean it.
 */
export function readPlainOrNull(path: string): Promise<string | null> {
  return orNull(path, async () => {
    requirePlain(path, await Deno.stat(path));
    return await readText(path);
  });
}

async function orNull(
  path: string,
  read: (path: string) => Promise<string>,
): Promise<string | null> {
  try {
    return await read(path);
  } catch (error) {
    // A home of /dev/null, as services have it, holds no files either.
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return null;
    // Loaded only now: a command that goes well has no use for it.
    const { UsherError } = await import("../error/mod.ts");
    throw new UsherError(
      "invalid_input",
      `Cannot read ${path}: ${whyUnusable(error)}`,
      { cause: error, hint: "name a file of text that you may read" },
    );
  }
}

/** The text of `path`, which must be there; a pipe, too. Throws `invalid_input`. */
export async function readGiven(path: string): Promise<string> {
  return await readGivenOrNull(path) ?? await noSuchFile(path);
}

/** The text of a plain file, which must be there. Throws `invalid_input`. */
export async function readPlain(path: string): Promise<string> {
  return await readPlainOrNull(path) ?? await noSuchFile(path);
}

async function noSuchFile(path: string): Promise<never> {
  const { UsherError } = await import("../error/mod.ts");
  throw new UsherError(
    "invalid_input",
    `Cannot read ${path}: there is no such file`,
    { hint: "look at the path; one without / before it begins where you are" },
  );
}

/** What is wrong with a file that the system would let us read. */
class Unreadable extends Error {
  override readonly name = "Unreadable";
}

function requirePlain(path: string, found: Deno.FileInfo): void {
  if (found.isFile || path === "/dev/null") return;
  if (found.isDirectory) throw new Unreadable("it is a folder, not a file");
  const what = found.isFifo
    ? "a pipe"
    : found.isSocket
    ? "a socket"
    : "a device";
  throw new Unreadable(`it is ${what}, not a file`);
}

async function readText(path: string): Promise<string> {
  using file = await Deno.open(path, { read: true });
  const parts: Uint8Array[] = [];
  for (let size = 0;;) {
    const part = new Uint8Array(16 * 1024);
    const length = await file.read(part);
    if (length === null) break;
    size += length;
    if (size > MAX_BYTES) throw new Unreadable("it is larger than 1 MiB");
    parts.push(part.subarray(0, length));
  }
  return decoded(parts);
}

function decoded(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  try {
    for (const part of parts) text += decoder.decode(part, { stream: true });
    return text + decoder.decode();
  } catch (cause) {
    // All of it up to the wrong byte is text, so lines can be counted.
    const lenient = new TextDecoder();
    const seen = parts.map((part) => lenient.decode(part, { stream: true }));
    const [before = ""] = seen.join("").split("\uFFFD");
    throw new Unreadable(`line ${before.split("\n").length} is not in UTF-8`, {
      cause,
    });
  }
}

/** Why a file that a person named cannot be read or written, for the end of a message. */
export function whyUnusable(error: unknown): string {
  if (error instanceof Unreadable) return error.message;
  if (error instanceof Deno.errors.PermissionDenied) {
    return "its permissions do not let you";
  }
  const text = error instanceof Error ? error.message : String(error);
  if (/file exists/i.test(text)) return "a part of its path is no folder";
  if (/is a directory/i.test(text)) return "it is a folder, not a file";
  if (/not a directory/i.test(text)) return "a part of its path is no folder";
  return text.replace(/ \(os error \d+\).*$/, "").toLowerCase();
}
