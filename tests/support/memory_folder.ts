/**
 * Folders for tests that write much and need no disk: in memory where the
 * machine has such a place, so that a busy disk slows no test down.
 *
 * @module
 */

/** Runs `use` with an empty folder, and removes it. */
export async function withMemoryFolder(
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await makeMemoryFolder();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** An empty folder that the caller removes. */
export async function makeMemoryFolder(): Promise<string> {
  const prefix = "usher-test-";
  try {
    return await Deno.makeTempDir({ dir: "/dev/shm", prefix });
  } catch {
    return await Deno.makeTempDir({ prefix });
  }
}
