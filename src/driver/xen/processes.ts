/**
 * The processes that xl leaves behind: one that creates a domain, which then
 * stays as its monitor and creates it anew at each reboot. They belong to
 * nobody, and are known by a variable of their environment.
 *
 * @module
 */
import {
  listPids,
  type ProcessId,
  readLiving,
  readOutput,
  readProcess,
  readVariable,
  signalProcess,
} from "../../sys/process_table.ts";

/** Stands in the environment of every xl that creates a domain of ours, with its uid. */
export const DOMAIN_VARIABLE = "USHER_DOMAIN";

/** The living processes that create or watch over the domain `uid`. */
export function findMonitors(uid: string): ProcessId[] {
  return listPids().flatMap((pid) => {
    if (readVariable(pid, DOMAIN_VARIABLE) !== uid) return [];
    const stat = readProcess(pid);
    return stat === null || readLiving(stat) === null ? [] : [stat];
  });
}

/**
 * Whether there is one; also one of somebody who has restored the domain by
 * hand, which is known by where it writes: to `log`. Looked for twice, since one
 * may have made way for the next meanwhile.
 */
export function hasMonitor(uid: string, log: string): boolean {
  const isThere = () =>
    findMonitors(uid).length > 0 ||
    listPids().some((pid) => readOutput(pid) === log);
  return isThere() || isThere();
}

/** Ends them, so that none makes the domain anew. */
export function endMonitors(uid: string): void {
  for (const process of findMonitors(uid)) signalProcess(process, "SIGKILL");
}
