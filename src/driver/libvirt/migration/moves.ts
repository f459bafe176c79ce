/**
 * What both ends of a migration share: their parts, and the processes that
 * stand between them.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import { spawnDetached } from "../../../sys/child.ts";
import { statOrNull, writeDurably } from "../../../sys/file.ts";
import { readLogTail } from "../../../sys/log_file.ts";
import { ownEnvironment, ownProgram } from "../../../sys/machine.ts";
import {
  listPids,
  type ProcessId,
  readLiving,
  readProcess,
  readVariable,
  signalProcess,
} from "../../../sys/process_table.ts";
import type { Peers } from "../../driver.ts";
import type { Book } from "../book.ts";
import type { Domain } from "../domain.ts";
import type { LibvirtEnvironment } from "../environment.ts";
import { saidIn } from "../virsh.ts";
import { moveFiles, readState, type Task } from "./protocol.ts";

/** What a migration works with. */
export interface MoveParts {
  readonly env: LibvirtEnvironment;
  readonly book: Book;
  readonly peers: Peers;
}

/** In the environment of the virsh that sends a domain away, with its uid. */
export const SENDER_VARIABLE = "USHER_MOVE";

const LOG_TAIL_BYTES = 8 * 1024;

/** Starts the process that carries the domain of this folder. */
export async function startCarrier(folder: string, task: Task): Promise<void> {
  await writeDurably(moveFiles(folder).task, JSON.stringify(task));
  const [program, ...args] = ownProgram();
  await spawnDetached(program, [...args, "guard", "libvirt", folder], {
    env: ownEnvironment(),
    outputPath: moveFiles(folder).log,
  });
}

/** The virsh that sends the domain `uid` away. */
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

/** Ends the virsh that sends a domain, and then its carrier: the other way round virsh would still decide something. */
export async function endProcesses(
  { handle, files }: Pick<Domain, "handle" | "files">,
): Promise<void> {
  for (const sender of findSenders(handle.uid)) {
    signalProcess(sender, "SIGKILL");
  }
  const carrier = await findCarrier(files.move);
  if (carrier !== null) signalProcess(carrier, "SIGKILL");
}

/** What virsh and the carrier said of a migration. */
export async function moveWords(folder: string): Promise<string> {
  const tail = await readLogTail(moveFiles(folder).log, LOG_TAIL_BYTES);
  const state = await readState(folder);
  const said = saidIn(new TextDecoder().decode(tail));
  return [said, state?.reason ?? ""].filter((words) => words !== "")
    .join("; ");
}

/** A migration's act that does not fit what is there. */
export function cannotNow(
  act: string,
  { handle }: Pick<Domain, "handle">,
  why: string,
): UsherError {
  return new UsherError(
    "wrong_state",
    `Cannot ${act} VM "${handle.name}": ${why}`,
  );
}

/** What cannot be moved at all. */
export function unsupported(
  name: string,
  why: string,
  hint?: string,
): UsherError {
  return new UsherError("unsupported", `Cannot move VM "${name}": ${why}`, {
    hint,
  });
}

/** Where the daemon of `uri` listens on this machine, and which one it is. Throws `unsupported` for any other. */
export async function daemonOf(
  uri: string,
  name: string,
): Promise<{ readonly socket: string; readonly path: string }> {
  const [, path = "", query = ""] =
    /^qemu(?:\+unix)?:\/\/(\/(?:system|session))(?:\?(.*))?$/.exec(uri) ?? [];
  const given = new URLSearchParams(query).get("socket");
  if (given !== null) return { socket: given, path };
  for (const socket of path === "/system" ? SYSTEM_SOCKETS : []) {
    if (await statOrNull(socket) !== null) return { socket, path };
  }
  throw unsupported(
    name,
    `the daemon at ${uri} has no socket on its node that usher knows`,
    "Name it: drivers.libvirt.uri: qemu+unix:///system?socket=PATH",
  );
}

const SYSTEM_SOCKETS = [
  "/run/libvirt/libvirt-sock",
  "/run/libvirt/virtqemud-sock",
];
