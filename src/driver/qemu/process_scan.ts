/**
 * QEMU processes of this machine: whose each one is.
 *
 * A process is ours when the marker in its environment names our run
 * directory, another LNM's when it names another, and foreign when it has no
 * marker at all.
 *
 * @module
 */
import { HELPER_VARIABLE } from "../../sys/child.ts";
import { readTextOrNullSync } from "../../sys/file.ts";
import {
  listPids,
  type ProcessId,
  readArguments,
  readLiving,
  readProcess,
  readVariable,
} from "../../sys/process_table.ts";
import type { DomainReport } from "../driver.ts";
import { type Marker, MARKER_VARIABLE, parseMarker } from "./handle.ts";
import type { Layout } from "./layout.ts";

/** A living domain of ours. */
export interface OwnProcess {
  readonly id: ProcessId;
  readonly marker: Marker;
}

/** All QEMU processes but those of other LNMs. */
export interface Scan {
  readonly own: readonly OwnProcess[];
  readonly foreign: readonly DomainReport[];
}

/** Looks through all of /proc. */
export function scanProcesses({ runDir }: Layout): Scan {
  const own: OwnProcess[] = [];
  const foreign: DomainReport[] = [];
  for (const pid of listPids()) {
    const args = readArguments(pid);
    // Ours may be called anything: the name of the program is the node's choice.
    const isOurs = optionOf(args, "-pidfile")?.startsWith(`${runDir}/`);
    if (!isOurs && !isQemu(args[0] ?? "")) continue;
    if (readVariable(pid, HELPER_VARIABLE) !== null) continue;
    const marker = readMarker(pid);
    const id = readProcess(pid);
    if (id === null || readLiving(id) === null) continue;
    if (marker === null && !isOurs) foreign.push(foreignReport(pid, args));
    else if (marker?.runDir === runDir) own.push({ id, marker });
  }
  return { own, foreign };
}

function isQemu(program: string): boolean {
  return /(^|\/)(qemu-system-[^/]+|qemu-kvm|kvm)$/.test(program);
}

/** The living process of one domain, by its pid file; null when there is none. */
export function findByPidFile(layout: Layout, uid: string): ProcessId | null {
  const pid = Number(
    readTextOrNullSync(layout.files(uid).pidFile)?.trim() ?? "",
  );
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const stat = readProcess(pid);
  if (stat === null) return null;
  // The pid may be somebody else's by now.
  const marker = readMarker(pid);
  if (marker?.uid !== uid || marker.runDir !== layout.runDir) return null;
  return readLiving(stat);
}

function readMarker(pid: number): Marker | null {
  const text = readVariable(pid, MARKER_VARIABLE);
  return text === null ? null : parseMarker(text);
}

function foreignReport(pid: number, args: readonly string[]): DomainReport {
  const memoryMiB = sizeOf(optionOf(args, "-m"));
  const vcpus = Number(
    /^(?:cpus=)?(\d+)/.exec(optionOf(args, "-smp") ?? "1")?.[1] ?? 1,
  );
  const name = /^(?:guest=)?([^,=]+)(,|$)/.exec(optionOf(args, "-name") ?? "")
    ?.[1];
  return {
    uid: null,
    domain: `pid-${pid}`,
    name: name ?? `qemu-${pid}`,
    state: "running",
    reason: "not started by usher",
    incarnation: null,
    generation: 0,
    vcpus,
    ...(memoryMiB === null ? {} : { memoryMiB }),
  };
}

function optionOf(args: readonly string[], option: string): string | undefined {
  const at = args.indexOf(option);
  return at < 0 ? undefined : args[at + 1];
}

/** MiB by QEMU's suffixes; a bare number is of MiB. */
const MIB_PER = { k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 };

function sizeOf(text: string | undefined): number | null {
  const match = /^(?:size=)?(\d+)([kmgt]?)/i.exec(text ?? "128");
  if (match === null) return null;
  const [, digits, suffix = ""] = match;
  const unit = (suffix || "m").toLowerCase() as keyof typeof MIB_PER;
  return Math.floor(Number(digits) * MIB_PER[unit]);
}
