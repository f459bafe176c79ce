/**
 * What both ends of a migration share: their parts, what stands between them,
 * and the daemon of this node.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import { statOrNull } from "../../../sys/file.ts";
import { signalProcess } from "../../../sys/process_table.ts";
import {
  endCarrier,
  findSenders,
  joinWords,
  lastWords,
} from "../../carried/processes.ts";
import type { Peers } from "../../driver.ts";
import { cannotMove } from "../../refusals.ts";
import type { Turns } from "../../turns.ts";
import type { Book } from "../book.ts";
import type { Domain } from "../domain.ts";
import type { LibvirtEnvironment } from "../environment.ts";
import { saidIn } from "../virsh.ts";

/** What a migration works with. */
export interface MoveParts {
  readonly env: LibvirtEnvironment;
  readonly book: Book;
  readonly turns: Turns;
  readonly peers: Peers;
}

/** Ends the virsh that sends a domain, and then its carrier: the other way round virsh would still decide something. */
export async function endProcesses(
  { handle, files }: Pick<Domain, "handle" | "files">,
): Promise<void> {
  for (const sender of findSenders(handle.uid)) {
    signalProcess(sender, "SIGKILL");
  }
  await endCarrier(files.move);
}

/** What virsh and the carrier said of a migration. */
export async function moveWords(folder: string): Promise<string> {
  const { log, reason } = await lastWords(folder);
  return joinWords(saidIn(log), reason);
}

/** Why a domain was not sent. */
export async function sendingFailed(
  { handle, files }: Pick<Domain, "handle" | "files">,
): Promise<UsherError> {
  const words = await moveWords(files.move) || "what sends it has ended";
  return new UsherError(
    "driver_failed",
    `Cannot move VM "${handle.name}": ${words}`,
  );
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
  throw cannotMove(
    name,
    `the daemon at ${uri} has no socket on its node that usher knows`,
    "Name it: drivers.libvirt.uri: qemu+unix:///system?socket=PATH",
  );
}

const SYSTEM_SOCKETS = [
  "/run/libvirt/libvirt-sock",
  "/run/libvirt/virtqemud-sock",
];
