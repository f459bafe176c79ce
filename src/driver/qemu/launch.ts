/**
 * Starting a QEMU: look, write the handle, spawn, wait until it runs; and
 * take all of it back when it does not.
 *
 * The handle is durable before there is a process, and QEMU locks its pid
 * file before it does anything else. So a crash at any point leaves either a
 * handle without a process or a process that is found, and a second QEMU of
 * the same domain ends by itself.
 *
 * An LNM that ends does not wait for a start: what there is of it stays, and
 * the next LNM finds it.
 *
 * @module
 */
import type { UsherError } from "../../error/mod.ts";
import {
  type DetachedChild,
  type Exit,
  spawnDetached,
} from "../../sys/child.ts";
import { removeIfThere } from "../../sys/file.ts";
import { isBlockDevice } from "../../sys/file_access.ts";
import { readLogTail } from "../../sys/log_file.ts";
import {
  type ProcessId,
  readProcess,
  signalProcess,
} from "../../sys/process_table.ts";
import type { DomainPlan, DomainReport } from "../driver.ts";
import { saveHandle } from "../kept_handles.ts";
import {
  CUT_SHORT,
  cutShort,
  leftAlone,
  startFailed,
} from "../start_failures.ts";
import type { Accel } from "./accel.ts";
import { commandLine } from "./command_line.ts";
import { checkSpec } from "../spec_check.ts";
import type { Domain } from "./domain.ts";
import type { QemuEnvironment } from "./environment.ts";
import { removeAll, removeRunFiles } from "./forget.ts";
import { MARKER_VARIABLE, markerOf, newHandle } from "./handle.ts";
import { ImageTool } from "../image_tool.ts";
import { awaitAnswer } from "./monitor.ts";
import { makeOverlays, withoutBases } from "../overlays.ts";
import type { MoveRecord } from "./migration/record.ts";
import { findByPidFile } from "./process_scan.ts";
import { startError } from "./start_error.ts";
import { untilAborted } from "../turns.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";

const MISSING = "Is QEMU installed on its node?";
const LOG_TAIL_BYTES = 8 * 1024;

/** How a domain is launched. */
export interface LaunchOptions {
  /** There was nothing of it before. */
  readonly fresh: boolean;
  readonly cancel: AbortSignal;
  /** It comes from another node, and is taken in: its move, what runs it there, and what memory it has. */
  readonly incoming?: {
    readonly move: MoveRecord;
    readonly accel: Accel;
    readonly memoryKiB: number | null;
  };
}

/** Starts `domain`, which must not run. */
export async function launch(
  env: QemuEnvironment,
  domain: Domain,
  plan: DomainPlan,
  { fresh, cancel, incoming }: LaunchOptions,
): Promise<DomainReport> {
  const before = fresh ? null : domain.handle;
  const made: string[] = [];
  using joined = new JoinedSignal(cancel, env.closing);
  const stop = joined.signal;
  try {
    domain.handle = newHandle(plan, env.bootId, incoming?.move);
    domain.phase = "starting";
    const args = await prepare(env, domain, plan, made, incoming, stop);
    await run(env, domain, args, { cancel, stop });
  } catch (error) {
    if (env.closing.aborted && !cancel.aborted) throw leftAlone(plan.name);
    const other = findByPidFile(env.layout, plan.uid);
    domain.abandonStart();
    if (other !== null && !cancel.aborted && await domain.attach(other)) {
      return domain.report();
    }
    if (cancel.aborted) {
      await keepCut(domain);
      throw cutShort(plan.name);
    }
    await takeBack(env, domain, { before, made });
    throw startFailed(error, plan.name, MISSING);
  }
  domain.phase = "idle";
  return domain.report();
}

/** All that comes before there is a process; answers QEMU's arguments. What it makes goes into `made`. */
async function prepare(
  env: QemuEnvironment,
  domain: Domain,
  plan: DomainPlan,
  made: string[],
  incoming: LaunchOptions["incoming"],
  stop: AbortSignal,
): Promise<string[]> {
  const { config, layout, node } = env;
  const spec = await withoutBases(plan, layout);
  checkSpec({ ...plan, spec, node }, config);
  const accel = incoming?.accel ??
    (await untilAborted(env.accel(), stop)).accel;
  const imageTool = new ImageTool(config.binary, stop);
  made.push(...await makeOverlays(plan, { imageTool, layout }));
  await domain.settled();
  // An older run's log would be taken as evidence of how this one ended.
  await removeIfThere(domain.files.qemuLog);
  // Of a domain that comes in it was kept with the first word of its move.
  if (incoming === undefined) await saveHandle(layout, domain.handle);
  stop.throwIfAborted();
  return commandLine({
    ...plan,
    accel,
    memoryKiB: incoming?.memoryKiB,
    machine: config.machine,
    files: domain.files,
    overlay: (index) => layout.overlay(plan.uid, index),
    isDevice: isBlockDevice,
    incoming: incoming !== undefined,
  });
}

async function run(
  env: QemuEnvironment,
  domain: Domain,
  args: readonly string[],
  { cancel, stop }: { cancel: AbortSignal; stop: AbortSignal },
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
    await awaitRunning(env, domain, child, stop);
  } catch (error) {
    if (cancel.aborted || !env.closing.aborted) await endChild(process, child);
    throw error;
  }
}

/** Waits for QEMU's first answer; its end, should that come first, is the better error. */
async function awaitRunning(
  env: QemuEnvironment,
  domain: Domain,
  child: DetachedChild,
  stop: AbortSignal,
): Promise<void> {
  const enough = new AbortController();
  using either = new JoinedSignal(stop, enough.signal);
  const answered = awaitAnswer(
    domain.files,
    env.config.start_timeout,
    either.signal,
  );
  const ended = child.exited.then(async (exit) => {
    throw await failureOf(env, domain, exit);
  });
  answered.catch(() => {});
  ended.catch(() => {});
  try {
    const { monitor, status } = await Promise.race([answered, ended]);
    domain.adoptMonitor(monitor, status);
  } finally {
    enough.abort();
  }
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
  if (before === null) return await removeAll(env.layout, domain.handle.uid);
  for (const overlay of made) await removeIfThere(overlay);
  await removeRunFiles(domain);
  domain.handle = before;
  await saveHandle(env.layout, before);
  domain.publish();
}

/** A power cut met the start: what there is stays, and counts as stopped. */
async function keepCut(domain: Domain): Promise<void> {
  await removeRunFiles(domain);
  domain.keepEnding(CUT_SHORT);
  await domain.settled();
}
