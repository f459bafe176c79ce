/**
 * Taking back what a failed or cancelled operation began.
 *
 * Only a start has something to take back: the domain it may have started
 * and, when it registered the VM itself, the VM. What cannot be reached is
 * left as it is and said in the trail; the node's next `hello` settles it.
 *
 * @module
 */
import { occupies } from "../../core/vm_machine.ts";
import { isUsherError, messageOf } from "../../error/mod.ts";
import { Deadline } from "../../sys/clock.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Write } from "../records/records.ts";
import { noteAnswer } from "./note_answer.ts";
import type { RunParts } from "./run_parts.ts";
import { driverOf } from "./steps.ts";

/** The step name in the journal of an operation that registered its VM. */
export const REGISTERED = "register";

const UNDO_MS = 30_000;

/** What of a node's reason goes into the trail; a node may say any amount. */
const MAX_WHY = 500;

const UNDONE = "the start was undone";

/** What was taken back. */
export interface Undone {
  /** What is still to be written; asked anew whenever it is, since nodes tell more meanwhile. */
  writes(): Write[];
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
  const nothing: Undone = { writes: () => [], trail: [], certain: false };
  if (vm === undefined || operation.verb !== "start") return nothing;
  const trail: string[] = [];
  if (operation.begun.includes("start") && vm.node !== null) {
    if (isUsherError(error, "unavailable")) {
      return {
        ...nothing,
        trail: [
          `nothing undone, and the VM stays: node ${vm.node}, or its hypervisor, is out of reach`,
        ],
      };
    }
    const stop = wholly || isUsherError(error, "timed_out");
    try {
      trail.push(await cutPower(parts, operation, vm, stop));
    } catch (cause) {
      const why = messageOf(cause).slice(0, MAX_WHY);
      return { ...nothing, trail: [`could not undo the start: ${why}`] };
    }
  }
  if (operation.begun.includes(REGISTERED)) {
    trail.push("the VM was unregistered again");
    return {
      writes: () => [{
        kind: "vm",
        key: vm.uid,
        value: null,
        note: "unregistered: its start failed",
      }],
      trail,
      certain: true,
    };
  }
  return { writes: () => lastStatus(parts, operation), trail, certain: true };
}

/**
 * The power is cut, and what the driver kept of a VM made by this operation
 * goes. A run that this operation did not begin is left alone: it was there
 * when the start came, unseen until the node was asked. Answers what was
 * done, for the trail.
 */
async function cutPower(
  parts: RunParts,
  operation: Operation,
  vm: Vm,
  stop: boolean,
): Promise<string> {
  const link = parts.links.link(vm.node ?? "");
  using deadline = new Deadline(
    parts.context.clock,
    UNDO_MS,
    "answer to the undoing of a start",
  );
  const act = (name: string, verb: "stop" | "forget" | "inspect") =>
    link.act({
      id: `${operation.id}.undo-${name}`,
      verb,
      ...{ driver: driverOf(vm), uid: vm.uid, plan: null, graceMs: 0 },
    }, deadline.signal);
  await link.untilReady(deadline.signal);
  if (operation.begun.includes(REGISTERED)) {
    if (stop) await act("stop", "stop");
    await act("forget", "forget");
    return UNDONE;
  }
  let domain = await act("look", "inspect");
  if (stop && !isOthers(domain, operation)) {
    await act("stop", "stop");
    domain = await act("look-again", "inspect");
  }
  await noteAnswer(parts, vm.node ?? "", domain);
  return isOthers(domain, operation) ? "left alone: it ran before" : UNDONE;
}

/** Whether what runs is not what `operation` started. */
function isOthers(domain: DomainFrame | null, { id }: Operation): boolean {
  return domain !== null && occupies(domain.state) &&
    domain.incarnation !== id;
}

/** A VM whose start failed keeps no node that this chose, unless a domain of it is there. */
function lastStatus(parts: RunParts, operation: Operation): Write[] {
  const vm = parts.records.vms.latest(operation.uid);
  if (!operation.begun.includes("place")) return [];
  if (vm === undefined || vm.status.state !== "absent" || vm.node === null) {
    return [];
  }
  return [{ kind: "vm", key: vm.uid, value: { ...vm, node: null } }];
}
