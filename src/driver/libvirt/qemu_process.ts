/**
 * The processes behind domains, as the kernel shows them: libvirt itself tells
 * no pid, and may be away.
 *
 * A QEMU of libvirt's bears the domain's UUID and name among its arguments.
 * Where two bear the same UUID, as for two daemons of one machine between which
 * a domain moves, neither is taken for it.
 *
 * @module
 */
import {
  listPids,
  type ProcessId,
  readArguments,
  readLiving,
  readProcess,
} from "../../sys/process_table.ts";

/** Finds processes, and remembers those that it has found for as long as they live. */
export class QemuProcesses {
  readonly #known = new Map<string, ProcessId>();

  /** The process of each of these domains, by UUID; those that have none are left out. */
  find(uuids: Iterable<string>): ReadonlyMap<string, ProcessId> {
    const found = new Map<string, ProcessId>();
    const wanted = new Set<string>();
    for (const uuid of uuids) {
      const known = this.#known.get(uuid);
      if (known !== undefined && readLiving(known) !== null) {
        found.set(uuid, known);
      } else wanted.add(uuid);
    }
    if (wanted.size === 0) return found;
    for (const [uuid, process] of this.#known) {
      if (readLiving(process) === null) this.#known.delete(uuid);
    }
    for (const [uuid, process] of scan(wanted)) {
      this.#known.set(uuid, process);
      found.set(uuid, process);
    }
    return found;
  }
}

function scan(wanted: ReadonlySet<string>): Map<string, ProcessId> {
  const found = new Map<string, ProcessId | "several">();
  for (const pid of listPids()) {
    const uuid = uuidIn(readArguments(pid));
    if (uuid === null || !wanted.has(uuid)) continue;
    const { startTicks = null } = readProcess(pid) ?? {};
    if (startTicks === null || readLiving({ pid, startTicks }) === null) {
      continue;
    }
    found.set(uuid, found.has(uuid) ? "several" : { pid, startTicks });
  }
  const single = new Map<string, ProcessId>();
  for (const [uuid, process] of found) {
    if (process !== "several") single.set(uuid, process);
  }
  return single;
}

/** The UUID of the domain that a program with these arguments runs; null when it runs none. */
function uuidIn(args: readonly string[]): string | null {
  const name = args[args.indexOf("-name") + 1] ?? "";
  const at = args.indexOf("-uuid");
  return at < 0 || !name.startsWith("guest=") ? null : args[at + 1] ?? null;
}
