/**
 * The account of a soak at a quiet point: nothing lost, nothing stuck, nothing
 * twice.
 *
 * @module
 */
import type { VmView } from "../../src/schema/change.ts";
import type { Operation, Result } from "../../src/schema/operation.ts";
import { occupies } from "../../src/core/vm_machine.ts";
import type { ProcessSite } from "../support/process_site.ts";
import { until } from "../support/wait.ts";
import type { Fleet } from "./plan.ts";

const SETTLED = { deadlineMs: 60_000, everyMs: 200 };

/** Codes of failures that a verb on a VM in some state, or a killed node, may come to. */
const FAIR: ReadonlySet<string> = new Set([
  "wrong_state",
  "not_found",
  "already_exists",
  "busy",
  "insufficient_resources",
  "unsupported",
  "unavailable",
  "cancelled",
  "driver_failed",
]);

/** What became of one VM's operation, in a word. */
export function endOf({ state, problem }: Result["outcomes"][number]): string {
  return problem === null ? state : `${state}: ${problem.code}`;
}

/** Throws when an operation that was accepted is not there, has not ended, or ended as it must not. */
export function assertEnded(
  asked: readonly string[],
  { request, outcomes }: Result,
): void {
  if (outcomes.length !== asked.length) {
    throw new Error(
      `Lost: request ${request} was for ${asked.length} VMs, and has ${outcomes.length} operations`,
    );
  }
  for (const { vm, operation, state, problem } of outcomes) {
    if (problem !== null && !FAIR.has(problem.code)) {
      throw new Error(
        `Unfair: ${operation} of ${vm} is ${state}: ${problem.code}: ${problem.detail}`,
      );
    }
  }
}

/** Throws when an operation is open although nothing more can come. */
export function assertNoneOpen(open: readonly Operation[]): void {
  const [first] = open;
  if (first === undefined) return;
  throw new Error(
    `Stuck: ${open.length} operations, among them ${first.verb} of ${first.vm}, ${first.state} at ${first.step}`,
  );
}

/** Waits until records and processes say the same; throws what is lost or doubled. */
export async function assertBooksAgree(
  site: ProcessSite,
  fleets: readonly Fleet[],
): Promise<void> {
  await until("records and processes say the same", async () => {
    const vms = await site.vms();
    const problem = faultOf(site, vms, fleets);
    if (problem !== null) throw new Error(problem);
    return true;
  }, SETTLED);
}

/** What an account looks at, beside the records. */
export type Looked = Pick<ProcessSite, "dir" | "guests">;

/** What of `vms` is wrong, held against processes and journals; null when nothing is. */
export function faultOf(
  site: Looked,
  vms: readonly VmView[],
  fleets: readonly Fleet[],
): string | null {
  const names = fleets.flatMap((fleet) => fleet.names);
  for (const { name, found, holder, status } of vms) {
    const label = name.split(".")[0] ?? "";
    if (found) {
      // Other QEMUs of the machine are nobody's business.
      const isOurs = names.some((its) => label.startsWith(`${its}-default-`));
      if (!isOurs) continue;
      return `Lost: ${name} was ours, and nobody knows it`;
    }
    if (!names.includes(label)) return `Lost: ${name} was never asked for`;
    if (holder !== null) return `Stuck: ${name} is held by ${holder}`;
    if (!SETTLED_STATES.has(status.state)) {
      return `Stuck: ${name} is ${status.state}: ${status.reason}`;
    }
  }
  const own = vms.filter(({ found }) => !found);
  return guestsFault(site, own, fleets) ?? domainsFault(site, own, fleets);
}

const SETTLED_STATES: ReadonlySet<string> = new Set([
  "absent",
  "running",
  "paused",
  "stopped",
  "crashed",
]);

/** One QEMU for each VM that is on, on the node that has it, and no other. */
function guestsFault(
  site: Looked,
  vms: readonly VmView[],
  fleets: readonly Fleet[],
): string | null {
  const expected = new Map<string, string>();
  for (const { uid, node, spec, status, name } of vms) {
    if (spec.driver === "qemu" && occupies(status.state)) {
      expected.set(uid, `${name} on ${node}`);
    }
  }
  const nodes = fleets.filter(({ driver }) => driver === "qemu")
    .flatMap((fleet) => fleet.nodes);
  const seen = new Set<string>();
  for (const node of nodes) {
    for (const { id, marker: { uid, name } } of site.guests(node)) {
      if (seen.has(uid)) return `Doubled: ${name} has two QEMUs`;
      seen.add(uid);
      if (expected.get(uid) !== `${name} on ${node}`) {
        return `Doubled: QEMU ${id.pid} on ${node} runs ${name}, which the records have ${
          expected.get(uid) ?? "off"
        }`;
      }
    }
  }
  const missing = [...expected].find(([uid]) => !seen.has(uid));
  return missing === undefined ? null : `Lost: ${missing[1]} has no QEMU`;
}

/** The same of simulated domains, as the journals of their hypervisors have them. */
function domainsFault(
  site: Looked,
  vms: readonly VmView[],
  fleets: readonly Fleet[],
): string | null {
  const places = new Map(vms.map(({ uid, node }) => [uid, node]));
  const up = new Map<string, string>();
  const nodes = fleets.filter(({ driver }) => driver === "sim")
    .flatMap((fleet) => fleet.nodes);
  for (const node of nodes) {
    for (const { domain, uid, phase } of domainsOf(site, node)) {
      if (!UP.has(phase ?? "running")) continue;
      const other = up.get(uid);
      if (other !== undefined) {
        return `Doubled: ${domain} is up on ${other} and on ${node}`;
      }
      up.set(uid, node);
      if (places.get(uid) !== node) {
        return `Doubled: ${domain} is up on ${node}, which the records have on ${
          places.get(uid) ?? "no node"
        }`;
      }
    }
  }
  const missing = vms.find(({ uid, spec, status }) =>
    spec.driver === "sim" && occupies(status.state) && !up.has(uid)
  );
  return missing === undefined ? null : `Lost: ${missing.name} has no domain`;
}

const UP: ReadonlySet<string> = new Set(["starting", "running", "paused"]);

interface JournalDomain {
  readonly domain: string;
  readonly uid: string;
  /** Absent when it runs. */
  readonly phase?: string;
}

function domainsOf(site: Looked, node: string): JournalDomain[] {
  const path = `${site.dir}/${node}/sim/domains.ndjson`;
  const domains = new Map<string, JournalDomain>();
  for (const line of Deno.readTextFileSync(path).split("\n")) {
    const { put, gone } = line === "" ? {} as never : JSON.parse(line);
    if (put !== undefined) domains.set(put.domain, put);
    if (gone !== undefined) domains.delete(gone);
  }
  return [...domains.values()];
}
