/**
 * A takeover as records: the VM with its new node, and the operation that
 * starts it there.
 *
 * @module
 */
import { countedRestart } from "../../core/node_loss.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import { splitVmName } from "../../schema/name.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { RequestRecord } from "../../schema/stored.ts";

/** The source of such operations, in their trail. */
export const NODE_LOSS = "node loss";

/** One VM's way from a lost node to another. */
export interface Takeover {
  readonly vm: Vm;
  /** Where it will run. */
  readonly node: string;
  /** What proves that it may, for people. */
  readonly why: string;
  /** Now, ISO 8601. */
  readonly at: string;
  readonly newId: () => string;
}

/**
 * The VM as it is from now on: of the new node, and of a newer generation, so
 * that whatever the old node has of it is known to be the older copy.
 */
export function takenOver({ vm, node, why, at }: Takeover): Vm {
  const { incarnation, observedGeneration, since, state } = vm.status;
  const restarts = vm.restarts ?? { due: true, count: 0, at: null };
  return {
    ...vm,
    node,
    generation: vm.generation + 1,
    status: {
      state: "crashed",
      reason: why,
      incarnation,
      since: state === "crashed" ? since : at,
      observedGeneration,
    },
    restarts: {
      // Until it runs: a start that fails is tried again, within the budget.
      due: true,
      count: countedRestart(restarts, Date.parse(at)),
      at,
      ...heldOn(vm),
    },
  };
}

/** Where its guard holds a copy: where it is, when that is not proved to be dead, or where it was. */
function heldOn({ node, status, restarts }: Vm): { heldOn?: string } {
  const its = status.state === "unknown" ? node : restarts?.heldOn ?? null;
  return its === null ? {} : { heldOn: its };
}

/** The start of a VM that was taken over; its owner's, like any other. */
export function takeoverStart(
  { vm, node, why, at, newId }: Takeover,
): Operation {
  return {
    v: 1,
    id: newId(),
    request: newId(),
    index: 0,
    verb: "start",
    uid: vm.uid,
    vm: vm.name,
    user: splitVmName(vm.name).user,
    state: "pending",
    step: null,
    begun: ["place"],
    node,
    from: null,
    to: null,
    parent: null,
    waitsFor: null,
    options: { queue: true },
    args: {},
    changed: true,
    problem: null,
    trail: [{
      at,
      source: NODE_LOSS,
      text: `${why}; starts on ${node} ${
        node === vm.node ? "again" : `instead of ${vm.node}`
      }`,
    }],
    createdAt: at,
    startedAt: null,
    endedAt: null,
    revision: 0,
  };
}

/** What the old node may have of it until that node tells otherwise. */
export function copyLeft({ uid, name, spec, status }: Vm): DomainFrame {
  const { state, incarnation, observedGeneration, reason } = status;
  return {
    driver: spec.driver ?? "",
    uid,
    domain: uid,
    name,
    state: state === "unknown" ? "paused" : state,
    reason,
    incarnation,
    generation: observedGeneration,
  };
}

/** The request that such an operation counts as, so that it can be followed. */
export function requestOf(
  { request, user, createdAt }: Operation,
): RequestRecord {
  return {
    v: 1,
    id: request,
    user,
    verb: "start",
    digest: "",
    count: 1,
    createdAt,
  };
}
