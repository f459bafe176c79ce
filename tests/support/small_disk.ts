/**
 * Small file systems of a test's own, which need root: to be filled up, or
 * made read-only.
 *
 * @module
 */
import { ok } from "node:assert/strict";

/** Calls `mount`; false when it could not. */
export async function mount(...args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("mount", {
      args,
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

async function unmount(folder: string): Promise<void> {
  await new Deno.Command("umount", {
    args: ["-l", folder],
    stdout: "null",
    stderr: "null",
  }).output();
}

async function mayMount(): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "usher-mount-" });
  const mounted = await mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", folder);
  if (mounted) await unmount(folder);
  await Deno.remove(folder);
  return mounted;
}

const ignore = !await mayMount();

/** Lays a file system of `size` over `folder` until it is disposed of. */
export async function smallDisk(
  folder: string,
  size: string,
): Promise<AsyncDisposable> {
  ok(await mount("-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder));
  return { [Symbol.asyncDispose]: () => unmount(folder) };
}

/** Registers a test on a file system of `size`; skipped where none may be mounted. */
export function testOnDisk(
  name: string,
  size: string,
  run: (folder: string) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "usher-disk-" });
      try {
        await using _disk = await smallDisk(folder, size);
        await run(folder);
      } finally {
        await Deno.remove(folder);
      }
    },
  });
}

/** Writes to `path` until nothing more fits. */
export async function fillUp(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const page = new Uint8Array(4096);
  try {
    while (true) await file.write(page);
  } catch {
    // Full, as it should be.
  }
}
