/**
 * A QEMU without a guest: it opens the disks of a stopped domain, so that they
 * are sent and taken in by the same means as those of a running one.
 *
 * Like a guest's it outlives the LNM, and is found again by its pid file. The
 * mark of a helper keeps it from being taken for a domain.
 *
 * @module
 */
import { messageOf, UsherError } from "../../../error/mod.ts";
import type { VmSpec } from "../../../schema/vm.ts";
import { HELPER_VARIABLE, spawnDetached } from "../../../sys/child.ts";
import { systemClock } from "../../../sys/clock.ts";
import { readTextOrNullSync, removeIfThere } from "../../../sys/file.ts";
import { isBlockDevice } from "../../../sys/file_access.ts";
import {
  type ProcessId,
  readArguments,
  readLiving,
  readProcess,
  signalProcess,
} from "../../../sys/process_table.ts";
import { readLogTail } from "../../../sys/log_file.ts";
import { connectUnix } from "../../../sys/unix_socket.ts";
import { meaningfulLines } from "../ending.ts";
import { diskNode, escapeValue } from "../command_line.ts";
import type { QemuEnvironment } from "../environment.ts";
import type { Handle } from "../handle.ts";
import { isGoneWithin } from "../process_end.ts";
import { QmpClient } from "../qmp/client.ts";
import type { Message } from "../qmp/session.ts";
import { ANSWER_MS } from "../monitor.ts";
import type { Commander } from "./commander.ts";
import { sentDisks } from "./fate.ts";

const GREETING_MS = 1000;
const RETRY_MS = 5;
const KILL_MS = 10_000;
const LOG_TAIL_BYTES = 8 * 1024;

/** The carrier of one domain. */
export class Carrier implements Commander, Disposable {
  readonly #monitor: QmpClient;

  private constructor(monitor: QmpClient) {
    this.#monitor = monitor;
  }

  /** Opens the carrier of a domain: the one that runs, or a new one. */
  static async open(
    env: QemuEnvironment,
    handle: Handle,
    spec: VmSpec,
  ): Promise<Carrier> {
    const { carrier } = env.layout.files(handle.uid);
    if (findCarrier(env, handle.uid) === null) {
      await start(env, handle, spec);
    }
    const until = systemClock.monotonic() + env.config.start_timeout;
    for (;;) {
      const monitor = new QmpClient();
      try {
        await monitor.open(
          () => connectUnix(carrier.monitor),
          AbortSignal.timeout(GREETING_MS),
        );
        return new Carrier(monitor);
      } catch (error) {
        const isGone = findCarrier(env, handle.uid) === null;
        if (systemClock.monotonic() > until || isGone) {
          throw new UsherError(
            "driver_failed",
            `Cannot move the disks of VM "${handle.name}": QEMU does not open them: ${
              await lastWords(env, handle.uid) || messageOf(error)
            }`,
          );
        }
      }
      await systemClock.sleep(RETRY_MS);
    }
  }

  execute(
    command: string,
    args: Message = {},
    deadlineMs = ANSWER_MS,
  ): Promise<unknown> {
    return this.#monitor.execute(command, args, { deadlineMs });
  }

  /** Lets go of it; it runs on. */
  [Symbol.dispose](): void {
    this.#monitor.close();
  }
}

/** Ends the carrier of a domain, if there is one. */
export async function endCarrier(
  env: QemuEnvironment,
  uid: string,
): Promise<void> {
  const { carrier } = env.layout.files(uid);
  const process = findCarrier(env, uid);
  if (process !== null) {
    signalProcess(process, "SIGTERM");
    if (!await isGoneWithin(process, KILL_MS, () => env.closing.aborted)) {
      signalProcess(process, "SIGKILL");
      await isGoneWithin(process, KILL_MS, () => env.closing.aborted);
    }
  }
  await removeIfThere(carrier.pidFile);
  await removeIfThere(carrier.monitor);
}

function findCarrier(env: QemuEnvironment, uid: string): ProcessId | null {
  const { pidFile } = env.layout.files(uid).carrier;
  const pid = Number(readTextOrNullSync(pidFile)?.trim() ?? "");
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const found = readProcess(pid);
  // The pid may be somebody else's by now.
  if (found === null || !readArguments(pid).includes(pidFile)) return null;
  return readLiving(found);
}

async function start(
  env: QemuEnvironment,
  { uid, name }: Handle,
  spec: VmSpec,
): Promise<void> {
  const { carrier } = env.layout.files(uid);
  await removeIfThere(carrier.monitor);
  await removeIfThere(logOf(env, uid));
  const child = await spawnDetached(env.config.binary, [
    ...["-name", `guest=${escapeValue(name)} (its disks)`],
    ...["-machine", "none", "-nodefaults", "-display", "none"],
    ...["-no-user-config", "-pidfile", carrier.pidFile],
    ...[
      "-chardev",
      `socket,id=qmp,path=${escapeValue(carrier.monitor)},server=on,wait=off`,
    ],
    ...["-mon", "chardev=qmp,mode=control"],
    ...sentDisks(spec.disks).flatMap(({ disk, index }) => [
      "-blockdev",
      JSON.stringify(diskNode(disk, index, {
        overlay: (at) => env.layout.overlay(uid, at),
        isDevice: isBlockDevice,
      })),
    ]),
  ], {
    env: { [HELPER_VARIABLE]: "1", PATH: "/usr/bin:/bin", LC_ALL: "C" },
    outputPath: logOf(env, uid),
  });
  const until = systemClock.monotonic() + env.config.start_timeout;
  let isOver = false;
  void child.exited.then(() => isOver = true);
  while (findCarrier(env, uid) === null && !isOver) {
    if (systemClock.monotonic() > until) break;
    await systemClock.sleep(RETRY_MS);
  }
}

function logOf({ layout }: QemuEnvironment, uid: string): string {
  return `${layout.logs}/${uid}.carrier`;
}

async function lastWords(env: QemuEnvironment, uid: string): Promise<string> {
  const tail = await readLogTail(logOf(env, uid), LOG_TAIL_BYTES);
  return meaningfulLines(new TextDecoder().decode(tail));
}
