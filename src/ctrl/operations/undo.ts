/**
 * Taking back what a failed or cancelled operation began.
 *
 * Only a start has something to take back: the domain it may have started
 * and, when it registered the VM itself, the VM. What cannot be reached is
 * left as it is and said in the trail; the node's next `hello` settles it.
 *
 * @module
 */
import { isUsherError, messageOf } from "../../error/mod.ts";
import { Deadline } from "../../sys/clock.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Write } from "../records.ts";
import type { RunParts } from "./run.ts";
import { driverOf } from "./steps.ts";

/** The step name in the journal of an operation that registered its VM. */
export const REGISTERED = "register";

const UNDO_MS = 30_000;

/** What of a node's reason goes into the trail; a node may say any amount. */
const MAX_WHY = 500;

/** What was taken back. */
export interface Undone {
  readonly writes: Write[];
  readonly trail: string[];
  /** Whether it is now known how the VM is. */
  readonly certain: boolean;
}

/**
 * Takes back what `operation` began. `wholly` also cuts the power of a domain
 * whose start was cancelled rather than failed.
 */
export async function undo(
  parts: RunParts,
  operation: Operation,
  error: unknown,
  { wholly }: { readonly wholly: boolean },
): Promise<Undone> {
  const vm = parts.records.vms.latest(operation.uid);
  const nothing: Undone = { writes: [], trail: [], certain: false };
  if (vm === undefined || operation.verb !== "start") return nothing;
  const trail: string[] = [];
  if (operation.begun.includes("start") && vm.node !== null) {
    if (isUsherError(error, "unavailable")) {
      return {
        ...nothing,
        trail: ["nothing undone: the node is out of reach"],
      };
    }
    const failed = await cutPower(
      parts,
      operation,
      vm,
      wholly || isUsherError(error, "timed_out"),
    );
    if (failed !== null) {
      return { ...nothing, trail: [`could not undo the start: ${failed}`] };
    }
    trail.push("the start was undone");
  }
  if (operation.begun.includes(REGISTERED)) {
    trail.push("the VM was unregistered again");
    return {
      writes: [{
        kind: "vm",
        key: vm.uid,
        value: null,
        note: "unregistered: its start failed",
      }],
      trail,
      certain: true,
    };
  }
  return { writes: lastStatus(parts, operation), trail, certain: true };
}

/** The power is cut, and what the driver kept of a VM made by this operation goes. */
async function cutPower(
  parts: RunParts,
  operation: Operation,
  vm: Vm,
  stop: boolean,
): Promise<string | null> {
  const link = parts.links.link(vm.node ?? "");
  using deadline = new Deadline(
    parts.context.clock,
    UNDO_MS,
    "answer to the undoing of a start",
  );
  const common = { driver: driverOf(vm), uid: vm.uid, plan: null, graceMs: 0 };
  try {
    await link.untilReady(deadline.signal);
    if (stop) {
      await link.act({
        id: `${operation.id}.undo-stop`,
        verb: "stop",
        ...common,
      }, deadline.signal);
    }
    if (operation.begun.includes(REGISTERED)) {
      await link.act({
        id: `${operation.id}.undo-forget`,
        verb: "forget",
        ...common,
      }, deadline.signal);
    } else {
      const domain = await link.act({
        id: `${operation.id}.undo-look`,
        verb: "inspect",
        ...common,
      }, deadline.signal);
      if (domain !== null && vm.node !== null) {
        const writes = parts.domains.writesFor(vm.node, domain);
        if (writes.length > 0) await parts.records.write(writes);
      }
    }
    return null;
  } catch (error) {
    return messageOf(error).slice(0, MAX_WHY);
  }
}

/** A VM whose start failed keeps no node unless a domain of it is there. */
function lastStatus(parts: RunParts, operation: Operation): Write[] {
  const vm = parts.records.vms.latest(operation.uid);
  if (vm === undefined || vm.status.state !== "absent" || vm.node === null) {
    return [];
  }
  return [{ kind: "vm", key: vm.uid, value: { ...vm, node: null } }];
}
