/**
 * A domain's monitor: the QMP session that this LNM holds, and what it tells.
 *
 * @module
 */
import { messageOf, UsherError } from "../../error/mod.ts";
import { Deadline, systemClock } from "../../sys/clock.ts";
import { connectUnix } from "../../sys/unix_socket.ts";
import type { DomainState } from "../../schema/vm.ts";
import type { DomainFiles } from "./layout.ts";
import { QmpClient } from "./qmp/client.ts";
import type { QmpEvent } from "./qmp/event_queue.ts";
import type { Message } from "./qmp/session.ts";

/** How long a monitor may take for an answer before it counts as silent. */
export const ANSWER_MS = 1000;
const PATIENT_MS = 20_000;
const GREETING_MS = 500;
const RETRY_MS = 1;
const MAX_RETRY_MS = 50;

/** The events that change what is reported of a domain, or what is to be done with it. */
export const EVENTS = [
  "SHUTDOWN",
  "STOP",
  "RESUME",
  "RESET",
  "SUSPEND",
  "WAKEUP",
  "GUEST_PANICKED",
  "BLOCK_IO_ERROR",
  "MIGRATION",
  "JOB_STATUS_CHANGE",
] as const;

/** Opens a monitor of a running QEMU; the second one when the first is taken. Null when none answers. */
export async function openMonitor(
  { monitors }: DomainFiles,
): Promise<QmpClient | null> {
  for (const path of monitors) {
    const client = new QmpClient();
    try {
      await client.open(
        () => connectUnix(path),
        AbortSignal.timeout(GREETING_MS),
      );
      return client;
    } catch {
      // Taken, frozen or gone; the process itself tells which.
    }
  }
  return null;
}

/**
 * Opens the monitor of a QEMU that has just been started, as soon as it
 * answers, and asks for its run state. A session that breaks is opened again,
 * until `deadlineMs` are over.
 */
export async function awaitAnswer(
  { monitors }: DomainFiles,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<{ monitor: QmpClient; status: string }> {
  using deadline = new Deadline(systemClock, deadlineMs, "answer", signal);
  let trouble = "nothing listens";
  for (let tries = 0; !deadline.signal.aborted; tries++) {
    const monitor = new QmpClient();
    const giveUp = () => monitor.close();
    deadline.signal.addEventListener("abort", giveUp, { once: true });
    try {
      await monitor.open(() => connectUnix(monitors[0]), deadline.signal);
      const status = await queryStatus(monitor, deadlineMs);
      deadline.signal.removeEventListener("abort", giveUp);
      return { monitor, status };
    } catch (error) {
      deadline.signal.removeEventListener("abort", giveUp);
      monitor.close();
      if (!deadline.signal.aborted) trouble = messageOf(error);
    }
    // QEMU listens after a few milliseconds; one that does not is in no hurry.
    const pause = Math.min(RETRY_MS + Math.floor(tries / 100), MAX_RETRY_MS);
    await systemClock.sleep(pause, deadline.signal).catch(() => {});
  }
  signal.throwIfAborted();
  throw new Error(`QEMU did not answer within ${deadlineMs} ms: ${trouble}`);
}

/** QEMU's run state now. Throws `interrupted` when it does not answer. */
export async function queryStatus(
  client: QmpClient,
  deadlineMs = ANSWER_MS,
): Promise<string> {
  return readStatus(
    await client.execute("query-status", {}, { deadlineMs }),
  );
}

function readStatus(answer: unknown): string {
  const status = (answer as { status?: unknown } | null)?.status;
  if (typeof status !== "string") {
    throw new UsherError(
      "driver_failed",
      "Cannot understand QEMU's answer to query-status",
    );
  }
  return status;
}

/** QEMU's run state, asked by whoever can. */
export async function queryRunState(
  qemu: {
    execute(
      command: string,
      args?: Message,
      deadlineMs?: number,
    ): Promise<unknown>;
  },
): Promise<string> {
  return readStatus(await qemu.execute("query-status", {}, PATIENT_MS));
}

/** What QEMU's run state means to usher, and why when that is not plain. */
export function stateOfStatus(
  status: string,
): { state: DomainState; reason: string } {
  switch (status) {
    case "running":
      return { state: "running", reason: "" };
    case "paused":
      return { state: "paused", reason: "" };
    case "prelaunch":
    case "restore-vm":
      return { state: "starting", reason: `QEMU is in ${status}` };
    case "inmigrate":
    case "finish-migrate":
    case "postmigrate":
    case "colo":
      return { state: "migrating", reason: `QEMU is in ${status}` };
    case "shutdown":
      return { state: "stopping", reason: "guest shut down" };
    case "guest-panicked":
    case "internal-error":
      return { state: "crashed", reason: fatalStatus(status) ?? "" };
    case "io-error":
      return { state: "paused", reason: "stopped by QEMU after a disk error" };
    case "suspended":
      return { state: "running", reason: "guest sleeps" };
    default:
      return { state: "paused", reason: `QEMU is in ${status}` };
  }
}

/** Why a guest in this run state is beyond help; null when it is not. QEMU lives on, and has nothing more to do. */
export function fatalStatus(status: string): string | null {
  switch (status) {
    case "guest-panicked":
      return "guest panicked";
    case "internal-error":
      return "QEMU stopped the guest after an internal error";
    default:
      return null;
  }
}

/** The run state after an event that came in `before`. */
export function statusAfter(
  { event }: QmpEvent,
  before: string | null,
): string | null {
  switch (event) {
    case "GUEST_PANICKED":
      return "guest-panicked";
    case "STOP":
      // It also follows a panic, which is the better word for it.
      return before === "guest-panicked" ? before : "paused";
    case "RESUME":
    case "WAKEUP":
      return "running";
    case "SUSPEND":
      return "suspended";
    default:
      return before;
  }
}
