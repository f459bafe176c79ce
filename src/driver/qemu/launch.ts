/**
 * Starting a QEMU: look, write the handle, spawn, wait until it runs; and
 * take all of it back when it does not.
 *
 * The handle is durable before there is a process, and QEMU locks its pid
 * file before it does anything else. So a crash at any point leaves either a
 * handle without a process or a process that is found, and a second QEMU of
 * the same domain ends by itself.
 *
 * @module
 */
import { isUsherError, UsherError } from "../../error/mod.ts";
import {
  type DetachedChild,
  type Exit,
  spawnDetached,
} from "../../sys/child.ts";
import { Deadline } from "../../sys/clock.ts";
import { removeIfThere } from "../../sys/file.ts";
import { findFileProblem } from "../../sys/file_access.ts";
import { readLogTail } from "../../sys/log_file.ts";
import {
  type ProcessId,
  readProcess,
  signalProcess,
} from "../../sys/process_table.ts";
import type { DomainPlan, DomainReport } from "../driver.ts";
import { commandLine } from "./command_line.ts";
import { checkSpec, makeOverlays } from "./disks.ts";
import type { Domain } from "./domain.ts";
import type { QemuEnvironment } from "./environment.ts";
import { MARKER_VARIABLE, markerOf, newHandle, saveHandle } from "./handle.ts";
import { awaitMonitor, queryStatus } from "./monitor.ts";
import { findByPidFile } from "./process_scan.ts";
import { startError } from "./start_error.ts";

const START_DEADLINE_MS = 30_000;
const LOG_TAIL_BYTES = 8 * 1024;

/** Starts `domain`, which must not run. `fresh`: there was nothing of it before. */
export async function launch(
  env: QemuEnvironment,
  domain: Domain,
  plan: DomainPlan,
  { fresh, cancel }: { fresh: boolean; cancel: AbortSignal },
): Promise<DomainReport> {
  const before = domain.handle;
  checkSpec(plan.spec, env.config);
  const { accel } = await env.accel().catch((error) => {
    throw explainFailure(error, plan.name);
  });
  const imageTool = imageToolOf(env.config.binary);
  const made = await makeOverlays(
    { uid: plan.uid, spec: plan.spec, imageTool },
    env.layout,
  );
  try {
    domain.handle = newHandle(plan, env.bootId);
    domain.phase = "starting";
    await domain.settled();
    // An older run's log would be taken as evidence of how this one ended.
    await removeIfThere(domain.files.qemuLog);
    await saveHandle(env.layout, domain.handle);
    cancel.throwIfAborted();
    const args = commandLine({
      ...plan,
      accel,
      machine: env.config.machine,
      files: domain.files,
      overlay: (index) => env.layout.overlay(plan.uid, index),
    });
    await run(env, domain, args, cancel);
  } catch (error) {
    const other = findByPidFile(env.layout, plan.uid);
    domain.abandonStart();
    if (other !== null && !cancel.aborted && await domain.attach(other)) {
      return domain.report();
    }
    if (cancel.aborted) return await cutShort(domain, plan.name);
    await takeBack(env, domain, { before: fresh ? null : before, made });
    throw explainFailure(error, plan.name);
  }
  domain.phase = "idle";
  return domain.report();
}

async function run(
  env: QemuEnvironment,
  domain: Domain,
  args: readonly string[],
  cancel: AbortSignal,
): Promise<void> {
  const child = await spawnDetached(env.config.binary, args, {
    env: {
      [MARKER_VARIABLE]: markerOf(domain.handle, env.layout.runDir),
      PATH: "/usr/bin:/bin",
      LC_ALL: "C",
    },
    outputPath: domain.files.qemuLog,
  });
  const process = readProcess(child.pid);
  if (process === null) throw await failureOf(env, domain, await child.exited);
  domain.adoptChild(process, child);
  try {
    await awaitRunning(env, domain, child, cancel);
  } catch (error) {
    await endChild(process, child);
    throw error;
  }
}

async function awaitRunning(
  env: QemuEnvironment,
  domain: Domain,
  child: DetachedChild,
  cancel: AbortSignal,
): Promise<void> {
  using deadline = new Deadline(
    START_DEADLINE_MS,
    "answer from QEMU's monitor",
    cancel,
  );
  const lost = new AbortController();
  const signal = AbortSignal.any([deadline.signal, lost.signal]);
  const opened = awaitMonitor(domain.files, signal);
  opened.catch(() => {});
  const ended = child.exited.then(async (exit) => {
    const failure = await failureOf(env, domain, exit);
    lost.abort(failure);
    throw failure;
  });
  ended.catch(() => {});
  const monitor = await Promise.race([opened, ended, aborted(deadline.signal)]);
  domain.adoptMonitor(monitor, await queryStatus(monitor, START_DEADLINE_MS));
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else {signal.addEventListener("abort", () => reject(signal.reason), {
        once: true,
      });}
  });
}

async function failureOf(
  env: QemuEnvironment,
  domain: Domain,
  exit: Exit,
): Promise<UsherError> {
  const tail = await readLogTail(domain.files.qemuLog, LOG_TAIL_BYTES);
  return startError(
    domain.handle.name,
    exit,
    new TextDecoder().decode(tail),
    (disk) => env.holderOf(disk),
  );
}

async function endChild(
  process: ProcessId,
  child: DetachedChild,
): Promise<void> {
  if (signalProcess(process, "SIGKILL")) await child.exited;
}

/** Leaves things as they were before the start. */
async function takeBack(
  env: QemuEnvironment,
  domain: Domain,
  { before, made }: {
    before: Domain["handle"] | null;
    made: readonly string[];
  },
): Promise<void> {
  for (const overlay of made) await removeIfThere(overlay);
  await removeRunFiles(domain);
  if (before === null) {
    await removeIfThere(domain.files.handle);
    await removeIfThere(domain.files.qemuLog);
    return;
  }
  domain.handle = before;
  await saveHandle(env.layout, before);
  domain.publish();
}

/** Removes what only a living QEMU needs. */
export async function removeRunFiles({ files }: Domain): Promise<void> {
  for (const path of [...files.monitors, files.serial, files.pidFile]) {
    await removeIfThere(path);
  }
}

/** A power cut met the start: what there is stays, and counts as stopped. */
async function cutShort(domain: Domain, name: string): Promise<never> {
  await removeRunFiles(domain);
  domain.keepEnding({
    state: "stopped",
    reason: "powered off while it started",
  });
  await domain.settled();
  throw new UsherError(
    "driver_failed",
    `Cannot start VM "${name}": it was powered off meanwhile`,
  );
}

function explainFailure(error: unknown, name: string): unknown {
  if (isUsherError(error, "not_found")) {
    return new UsherError("driver_failed", error.message, {
      cause: error,
      hint: "Is QEMU installed?",
    });
  }
  if (error instanceof DOMException) {
    return new UsherError(
      "driver_failed",
      `Cannot start VM "${name}": ${error.message}`,
      { cause: error },
    );
  }
  return error;
}

/** qemu-img lies beside the emulator, or where PATH finds it. */
function imageToolOf(binary: string): string {
  const beside = binary.replace(/[^/]*$/, "qemu-img");
  return binary.includes("/") && findFileProblem(beside, false) === null
    ? beside
    : "qemu-img";
}
