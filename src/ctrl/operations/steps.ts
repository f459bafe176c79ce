/**
 * Steps that act: each asks a node for one thing and answers with what the
 * node then says of the domain.
 *
 * @module
 */
import type { StepName } from "../../core/step.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import type { Operation } from "../../schema/operation.ts";
import { DEFAULT_GRACE_MS } from "../../schema/request.ts";
import type { Vm } from "../../schema/vm.ts";
import { UsherError } from "../../error/mod.ts";
import type { NodeLink } from "../node_links.ts";

/** How long a node may take for a step, besides a guest's grace. */
export const STEP_DEADLINES_MS: Readonly<Record<StepName, number>> = {
  place: 0,
  start: 120_000,
  shutdown: 15_000,
  poweroff: 30_000,
  pause: 30_000,
  resume: 30_000,
  forget: 30_000,
  unregister: 0,
};

/** The deadline of a step of this operation, in ms. */
export function deadlineOf(step: StepName, operation: Operation): number {
  const grace = step === "shutdown"
    ? operation.options.graceMs ?? DEFAULT_GRACE_MS
    : 0;
  return STEP_DEADLINES_MS[step] + grace;
}

/** Asks `link` to take `step`; answers with the domain as it then is. */
export function actOn(
  link: NodeLink,
  step: StepName,
  operation: Operation,
  vm: Vm,
  signal: AbortSignal,
): Promise<DomainFrame | null> {
  const id = `${operation.id}.${step}`;
  const { verb, graceMs } = nodeVerb(step, operation);
  return link.act({
    id,
    verb,
    driver: driverOf(vm),
    uid: vm.uid,
    plan: verb === "start" ? planOf(vm, operation.id) : null,
    graceMs,
  }, signal);
}

function nodeVerb(step: StepName, operation: Operation) {
  switch (step) {
    case "shutdown":
      return {
        verb: "stop",
        graceMs: Math.max(1, operation.options.graceMs ?? DEFAULT_GRACE_MS),
      } as const;
    case "poweroff":
      return { verb: "stop", graceMs: 0 } as const;
    case "start":
    case "pause":
    case "resume":
    case "forget":
      return { verb: step, graceMs: 0 } as const;
    case "place":
    case "unregister":
      throw new UsherError("internal", `Step "${step}" is not a node's`);
  }
}

function planOf(vm: Vm, incarnation: string) {
  return {
    name: vm.name,
    generation: vm.generation,
    incarnation,
    spec: vm.spec,
  };
}

/** The driver of a VM that was placed. */
export function driverOf(vm: Vm): string {
  if (vm.spec.driver === null) {
    throw new UsherError("internal", `VM "${vm.name}" has no driver`);
  }
  return vm.spec.driver;
}
