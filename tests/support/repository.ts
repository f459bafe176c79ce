/**
 * The repository itself, for the tests that look at it.
 *
 * @module
 */

/** The repository's folder, with a slash at its end. */
export const REPOSITORY = decodeURIComponent(
  new URL("../..", import.meta.url).pathname,
);

/** The text of a file of the repository. */
export function readRepository(path: string): Promise<string> {
  return Deno.readTextFile(REPOSITORY + path);
}

/** What Git tracks, and what it would if it were added. */
export async function trackedFiles(): Promise<string[]> {
  const { stdout, success } = await new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard", "-z"],
    cwd: REPOSITORY,
    stdin: "null",
  }).output();
  if (!success) throw new Error("Cannot list the files of the repository");
  const text = new TextDecoder().decode(stdout);
  return text.split("\0").filter((path) => path !== "");
}
