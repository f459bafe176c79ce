/**
 * Small files that hold one thing: a password, a key, a certificate.
 *
 * @module
 */

/** The text of a file without white space around it. Throws naming the file, never what it holds. */
export async function readSmallFile(path: string): Promise<string> {
  let text: string;
  try {
    text = (await Deno.readTextFile(path)).trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot read "${path}": ${why}`, { cause });
  }
  if (text === "") throw new Error(`File "${path}" is empty`);
  return text;
}
