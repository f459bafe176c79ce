/**
 * The logs that Xen's console daemon keeps of our domains: which is the one in
 * use, and how they are kept small.
 *
 * @module
 */
import { statOrNull } from "../../sys/file.ts";
import { rotateLog } from "../../sys/log_file.ts";
import type { XenEnvironment } from "./environment.ts";
import { guestLogs, type Layout } from "./layout.ts";

const MIN_BYTES = 16 * 1024;

/** The log of the domain that is called `name`, the one written to last; null when there is none. */
export async function findConsoleLog(
  layout: Layout,
  name: string,
): Promise<string | null> {
  const found = await Promise.all(
    guestLogs(layout, name).map(async (path) => ({
      path,
      at: (await statOrNull(path))?.mtime?.getTime() ?? null,
    })),
  );
  const [newest] = found.filter(({ at }) => at !== null)
    .sort((a, b) => (b.at ?? 0) - (a.at ?? 0));
  return newest?.path ?? null;
}

/** Puts aside every log that has grown to its half of what it may have. */
export async function rotateConsoles(
  { config, layout, log }: XenEnvironment,
  names: readonly string[],
): Promise<void> {
  const half = Math.max(config.console_log * 1024 * 1024 / 2, MIN_BYTES);
  for (const path of names.flatMap((name) => guestLogs(layout, name))) {
    try {
      await rotateLog(path, half);
    } catch (error) {
      log("warn", "cannot rotate a log", { path, error });
    }
  }
}
