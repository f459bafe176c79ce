/**
 * What several scripts need: paths, digests, and which files are sources.
 *
 * @module
 */

/** The path of a file URL; a folder's ends in a slash. */
export function fromFileUrl(url: URL): string {
  return decodeURIComponent(url.pathname);
}

/** The repository's folder, with a slash at its end. */
export const ROOT = fromFileUrl(new URL("..", import.meta.url));

/** The SHA-256 of `bytes`, in hexadecimal. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}

/** Every file under `folders` of `root`, relative to it, sorted. */
export async function sourceFiles(
  root: string,
  folders: readonly string[],
): Promise<string[]> {
  const files: string[] = [];
  for (const folder of folders) await walk(root, folder, files);
  return files.toSorted();
}

async function walk(root: string, folder: string, into: string[]) {
  for await (const entry of entries(root + folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) await walk(root, path, into);
    else if (entry.isFile && !entry.name.startsWith(".")) into.push(path);
  }
}

async function* entries(folder: string) {
  try {
    yield* Deno.readDir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What `deno ARGS` prints; throws when it fails. */
export async function denoOutput(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`"deno ${args[0]}" failed: ${decoder.decode(stderr)}`);
  }
  return decoder.decode(stdout);
}
