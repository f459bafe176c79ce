/**
 * `usher guard DRIVER DIR`: the process of a guard, started by that driver and
 * by nobody else. It lives on when the LNM ends, and ends by itself once no
 * domain of its is left.
 *
 * One guard has a directory at a time. It listens on a socket for its LNM and
 * writes what it does to a log of its own, since nobody may be there to hear.
 *
 * @module
 */
import { LOOK_MS } from "../../core/lease.ts";
import { AppendFile } from "../../sys/append_file.ts";
import { isoTime, systemClock } from "../../sys/clock.ts";
import { readTextOrNull, removeIfThere, writeDurably } from "../../sys/file.ts";
import { tryLockFile } from "../../sys/lock.ts";
import { avoidOomKill, processId } from "../../sys/machine.ts";
import { readProcess } from "../../sys/process_table.ts";
import { serveLines } from "../../sys/unix_socket.ts";
import { Guard, type Hands } from "./guard.ts";
import {
  guardFiles,
  parseHeld,
  type Request,
  type Target,
} from "./protocol.ts";

/** It ends after so long without any domain that lives. */
const IDLE_MS = 2000;

/** A longer log is begun anew by the next guard. */
const MAX_LOG_BYTES = 1024 * 1024;

/** Runs a guard for the driver whose run directory is `dir`, with its hands, to its end; the exit code. */
export async function runGuard<T extends Target>(
  dir: string,
  hands: Hands<T>,
): Promise<number> {
  const files = guardFiles(dir);
  using lock = tryLockFile(files.lock);
  if (lock === null) return 0; // there is one
  avoidOomKill();
  using logFile = openLog(files.log);
  const log = (message: string, fields: Record<string, unknown> = {}) => {
    const at = isoTime(systemClock.now());
    try {
      logFile.append(JSON.stringify({ at, message, ...fields }));
    } catch {
      // A full disk keeps nobody from guarding.
    }
  };
  const guard = new Guard<T>({
    hands,
    boot: systemClock.boot,
    now: () => isoTime(systemClock.now()),
    save: (held) => writeDurably(files.held, JSON.stringify(held)),
    log,
  }, parseHeld(await readTextOrNull(files.held)));
  const { startTicks = 0 } = readProcess(processId()) ?? {};
  await writeDurably(
    files.pid,
    JSON.stringify({ pid: processId(), startTicks }),
  );
  await removeIfThere(files.socket);
  using _server = serveLines(
    files.socket,
    async (line) =>
      JSON.stringify(await guard.ask(JSON.parse(line) as Request<T>)),
  );
  log("the guard is there", { pid: processId() });
  await watch(guard, log);
  log("the guard ends: no domain is left");
  await removeIfThere(files.socket);
  return 0;
}

/** The log of this guard and those before; begun anew when it is long. */
function openLog(path: string): AppendFile {
  const file = AppendFile.open(path);
  if (file.size <= MAX_LOG_BYTES) return file;
  file[Symbol.dispose]();
  return AppendFile.open(path, 0);
}

/** Looks again and again, until nothing is left to guard. */
async function watch(
  guard: Pick<Guard<Target>, "look" | "isIdle">,
  log: (message: string, fields: Record<string, unknown>) => void,
): Promise<void> {
  let idleSince: number | null = null;
  for (;;) {
    await systemClock.sleep(LOOK_MS);
    await guard.look().catch((error) =>
      log("a look failed; the next one comes", { error: String(error) })
    );
    const now = systemClock.monotonic();
    idleSince = guard.isIdle ? idleSince ?? now : null;
    if (idleSince !== null && now - idleSince >= IDLE_MS) return;
  }
}
