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
export function heard(
  { context }: GuardParts,
  link: NodeLink,
  at: number | undefined,
): void {
  if (at === undefined) return;
  link.heardAt = context.clock.monotonic();
  link.session?.send({ type: "lease", at });
}

/** A node tells which runs its guard would pause in time: all there are. */
export async function noteGuarded(
  { records }: GuardParts,
  node: string,
  runs: Runs,
): Promise<void> {
  const writes: Write[] = [];
  for (const vm of records.vms.latestValues()) {
    if (vm.node !== node) continue;
    const { incarnation } = vm.status;
    const isGuarded = incarnation !== null && runs[vm.uid] === incarnation;
    const { guard } = vm.status;
    const was = guard?.node === node && guard.incarnation === incarnation;
    if (isGuarded === was) continue;
    writes.push(guardWrite(vm, isGuarded ? { node, incarnation } : undefined));
  }
  if (writes.length > 0) await records.write(writes);
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
