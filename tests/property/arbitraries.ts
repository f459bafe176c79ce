/**
 * What properties are tried on: VMs, operations and reports of every kind.
 *
 * @module
 */
import * as fc from "fast-check";
import { Operation, OperationState, Verb } from "../../src/schema/operation.ts";
import { DomainState, Vm, VmSpec, VmState } from "../../src/schema/vm.ts";

/** A moment for what needs one. */
export const AT = "2026-01-01T00:00:00.000Z";

export const verb = fc.constantFrom(...Verb.options);
export const vmState = fc.constantFrom(...VmState.options);
export const domainState = fc.constantFrom(...DomainState.options);
export const operationState = fc.constantFrom(...OperationState.options);

const SPEC = VmSpec.parse({});
const UID = "01hzzzzzzzzzzzzzzzzzzzzzz0";

/** The VM in some state. One that is absent may have no node yet; every other has. */
export function vmIn(
  state: VmState,
  node: string | null,
  incarnation: string | null,
): Vm {
  return Vm.parse({
    v: 1,
    uid: UID,
    name: "web.lab.ann",
    generation: 1,
    spec: SPEC,
    status: {
      state,
      reason: "",
      incarnation,
      since: AT,
      observedGeneration: 1,
    },
    node,
    args: {},
    createdAt: AT,
    revision: 1,
  });
}

/** A VM as it may lie in the records. */
export const vm = fc.tuple(
  vmState,
  fc.boolean(),
  fc.constantFrom(null, "01hearlier"),
)
  .map(([state, placed, incarnation]) =>
    vmIn(state, state !== "absent" || placed ? "n1" : null, incarnation)
  );

/** A new operation on that VM. */
export function newOperation(its: Verb): Operation {
  return Operation.parse({
    v: 1,
    id: "01hzzzzzzzzzzzzzzzzzzzzzz1",
    request: "r",
    index: 0,
    verb: its,
    uid: UID,
    vm: "web.lab.ann",
    user: "ann",
    state: "pending",
    step: null,
    begun: [],
    node: null,
    waitsFor: null,
    options: {},
    args: {},
    changed: false,
    problem: null,
    trail: [],
    createdAt: AT,
    startedAt: null,
    endedAt: null,
    revision: 1,
  });
}
