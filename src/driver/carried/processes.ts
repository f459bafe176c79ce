/**
 * The processes of a move, which belong to no LNM: at either end the one that
 * carries, and at the source the hypervisor's tool that sends. They are found
 * again by their folder, and by the domain's uid in their environment.
 *
 * @module
 */
import { spawnDetached } from "../../sys/child.ts";
import { readLogTail } from "../../sys/log_file.ts";
import { ownEnvironment, ownProgram } from "../../sys/machine.ts";
import {
  listPids,
  type ProcessId,
  readLiving,
  readProcess,
  readVariable,
  signalProcess,
} from "../../sys/process_table.ts";
import { moveFiles, readState } from "./folder.ts";

/** In the environment of what sends a domain away, with its uid. */
export const SENDER_VARIABLE = "USHER_MOVE";

const LOG_TAIL_BYTES = 8 * 1024;

/** The command that carries the domain of `folder` for a driver; what it is to do stands there. */
export function carrierCommand(
  driver: string,
  folder: string,
): [string, ...string[]] {
  return [...ownProgram(), "guard", driver, folder];
}

/** Starts the process that carries the domain of `folder`, with its task there. */
export async function startCarrier(
  driver: string,
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const [program, ...args] = carrierCommand(driver, folder);
  await spawnDetached(program, args, {
    env: { ...env, ...ownEnvironment() },
    outputPath: moveFiles(folder).log,
  });
}

/**
 * Starts the tool that sends the domain `uid` away. Answers how to tell whether it
 * may be over, since it is not found by its environment from its first moment on.
 */
export async function startSender(
  uid: string,
  folder: string,
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): Promise<() => boolean> {
  const { exited } = await spawnDetached(program, args, {
    env: { ...ownEnvironment(), ...env, [SENDER_VARIABLE]: uid },
    outputPath: moveFiles(folder).log,
  });
  let isOver = false;
  void exited.then(() => isOver = true);
  return () => isOver;
}

/** What sends the domain `uid` away, with what that has started. */
export function findSenders(uid: string): ProcessId[] {
  return listPids().flatMap((pid) => {
    if (readVariable(pid, SENDER_VARIABLE) !== uid) return [];
    const stat = readProcess(pid);
    return stat === null || readLiving(stat) === null ? [] : [stat];
  });
}

/** The process that carries the domain of this folder; null when there is none alive. */
export async function findCarrier(folder: string): Promise<ProcessId | null> {
  const state = await readState(folder);
  return state === null ? null : readLiving(state);
}

/** Ends the process that carries the domain of this folder. */
export async function endCarrier(folder: string): Promise<void> {
  const carrier = await findCarrier(folder);
  if (carrier !== null) signalProcess(carrier, "SIGKILL");
}

/** What the processes of a move said last: the tools in the log, and the carrier why it failed. */
export async function lastWords(
  folder: string,
): Promise<{ readonly log: string; readonly reason: string }> {
  const tail = await readLogTail(moveFiles(folder).log, LOG_TAIL_BYTES);
  const state = await readState(folder);
  return { log: new TextDecoder().decode(tail), reason: state?.reason ?? "" };
}

/** Those of `words` that say something, as one text. */
export function joinWords(...words: readonly string[]): string {
  return words.filter((said) => said !== "").join("; ");
}
