/**
 * Keeping logs small while domains run.
 *
 * @module
 */
import { rotateLog } from "../../sys/log_file.ts";
import type { Domain } from "./domain.ts";
import type { QemuEnvironment } from "./environment.ts";

const QEMU_LOG_BYTES = 256 * 1024;
const MIN_CONSOLE_BYTES = 16 * 1024;

/** Puts aside every log that has grown to its half of what it may have. */
export async function rotateLogs(
  { config, log }: QemuEnvironment,
  domains: Iterable<Domain>,
): Promise<void> {
  const half = config.console_log * 1024 * 1024 / 2;
  for (const { files } of domains) {
    try {
      await rotateLog(files.consoleLog, Math.max(half, MIN_CONSOLE_BYTES));
      await rotateLog(files.qemuLog, QEMU_LOG_BYTES);
    } catch (error) {
      log("warn", "cannot rotate a log", { path: files.consoleLog, error });
    }
  }
}
