/**
 * What the guards of nodes say, and what they are told.
 *
 * That a guard would pause a run in time is noted with the VM, durably: it is
 * what a takeover by time rests on, and that may be another controller's.
 *
 * @module
 */
import type { Vm } from "../../schema/vm.ts";
import type { CtrlContext } from "../context.ts";
import type { NodeLink } from "./node_links.ts";
import type { Records, Write } from "../records/records.ts";

/** Runs of a node, uid to incarnation. */
type Runs = Readonly<Record<string, string>>;

/** What guards are listened to with. */
export interface GuardParts {
  readonly context: CtrlContext;
  readonly records: Records;
}

/** A beat that carries its node's time is answered: the lease counts from it. */
export async function heard(
  parts: GuardParts,
  link: NodeLink,
  at: number | undefined,
): Promise<void> {
  if (at === undefined) return;
  link.heardAt = parts.context.clock.monotonic();
  link.session?.send({ type: "lease", at });
  await noteLate(parts, link);
}

/** A node tells which runs its guard would pause in time: all there are. */
export async function noteGuarded(
  { records }: GuardParts,
  link: NodeLink,
  runs: Runs,
): Promise<void> {
  const node = link.name;
  link.lateRuns = new Map(Object.entries(runs));
  const writes: Write[] = [];
  for (const vm of records.vms.latestValues()) {
    if (vm.node !== node) continue;
    const { incarnation } = vm.status;
    const isGuarded = incarnation !== null && runs[vm.uid] === incarnation;
    if (isGuarded) link.lateRuns.delete(vm.uid);
    if (isGuarded === isNoted(vm)) continue;
    writes.push(guardWrite(vm, isGuarded ? { node, incarnation } : undefined));
  }
  if (writes.length > 0) await records.write(writes);
}

/**
 * Notes of runs that were told of before their VMs' records had them: a guard
 * has a guest in hand as soon as it is there, and its start may yet be under
 * way. A node tells of its guards when something changes, and no more.
 */
async function noteLate(
  { records }: GuardParts,
  { name: node, lateRuns }: NodeLink,
): Promise<void> {
  const writes: Write[] = [];
  for (const [uid, incarnation] of lateRuns) {
    const vm = records.vms.latest(uid);
    if (vm?.node !== node || vm.status.incarnation !== incarnation) continue;
    lateRuns.delete(uid);
    if (!isNoted(vm)) writes.push(guardWrite(vm, { node, incarnation }));
  }
  if (writes.length > 0) await records.write(writes);
}

/** Whether the VM's record says that its run is guarded where it is. */
function isNoted({ node, status: { guard, incarnation } }: Vm): boolean {
  return guard !== undefined && guard.node === node &&
    guard.incarnation === incarnation;
}

function guardWrite(vm: Vm, guard: Vm["status"]["guard"]): Write {
  const { guard: _, ...rest } = vm.status;
  const status = guard === undefined ? rest : { ...rest, guard };
  const note = guard === undefined
    ? "no longer guarded"
    : `guarded on ${guard.node}`;
  return { kind: "vm", key: vm.uid, value: { ...vm, status }, note };
}

/** Of the runs that a guard has paused, those may go on whose VMs are still the node's. */
export function releaseHeld(
  { context, records }: GuardParts,
  link: NodeLink,
  held: Runs,
): void {
  // Before that it is not known here what the node has; it asks again.
  if (!link.synced) return;
  const uids = Object.entries(held).flatMap(([uid, incarnation]) => {
    const vm = records.vms.latest(uid);
    const isIts = vm?.node === link.name &&
      vm.status.incarnation === incarnation;
    return isIts ? [uid] : [];
  });
  if (uids.length === 0) return;
  link.session?.send({ type: "release", uids });
  context.log.info("VMs that a guard had paused go on", {
    node: link.name,
    vms: uids.length,
  });
}
