/**
 * Steps that act: each asks a node for one thing and answers with what the
 * node then says of the domain.
 *
 * @module
 */
import type { StepName } from "../../core/step.ts";
import type { ActVerb, Transfer } from "../../schema/frame.ts";
import type { Operation, Progress } from "../../schema/operation.ts";
import { DEFAULT_GRACE_MS } from "../../schema/request.ts";
import type { Vm } from "../../schema/vm.ts";
import { UsherError } from "../../error/mod.ts";
import type { NodeAnswer, NodeLink } from "../nodes/node_links.ts";

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
  offer: 30_000,
  receive: 60_000,
  // Since it was last heard that it goes on.
  send: 120_000,
  switch: 60_000,
  release: 60_000,
};

/** The deadline of a step of this operation, in ms. */
export function deadlineOf(step: StepName, operation: Operation): number {
  const grace = step === "shutdown"
    ? operation.options.graceMs ?? DEFAULT_GRACE_MS
    : 0;
  return STEP_DEADLINES_MS[step] + grace;
}

/** What a node is asked, besides what the operation says. */
export interface ActOptions {
  readonly transfer?: Transfer | undefined;
  /** Tells this act from an earlier one of the step, whose answer is not wanted again. */
  readonly attempt?: number | undefined;
  /** What is asked in place of the step's own verb. */
  readonly verb?: ActVerb | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Asks `link` to take `step`; answers with what the node says then. */
export function actOn(
  link: NodeLink,
  step: StepName,
  operation: Operation,
  vm: Vm,
  signal: AbortSignal,
  { transfer, attempt = 1, verb: instead, onProgress }: ActOptions = {},
): Promise<NodeAnswer> {
  const { verb: own, graceMs } = nodeVerb(step, operation);
  const verb = instead ?? own;
  const again = attempt === 1 ? "" : `.${attempt}`;
  return link.ask(
    {
      id: `${transfer?.id ?? operation.id}.${instead ?? step}${again}`,
      verb,
      driver: driverOf(vm),
      uid: vm.uid,
      plan: planFor(verb, operation, vm),
      ...(transfer === undefined ? {} : { transfer }),
      graceMs,
    },
    signal,
    onProgress,
  );
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
    case "offer":
    case "receive":
    case "send":
    case "release":
      return { verb: step, graceMs: 0 } as const;
    case "switch":
      return { verb: "activate", graceMs: 0 } as const;
    case "place":
    case "unregister":
      throw new UsherError("internal", `Step "${step}" is not a node's`);
  }
}

/** A domain that moves stays the same run; one that is started begins a new one. */
function planFor(verb: ActVerb, operation: Operation, vm: Vm) {
  if (verb !== "start" && verb !== "receive") return null;
  const incarnation = verb === "start"
    ? operation.id
    : vm.status.incarnation ?? operation.id;
  return {
    name: vm.name,
    generation: vm.generation,
    incarnation,
    spec: vm.spec,
    ...(vm.restarts?.heldOn === undefined ? {} : { isHeldElsewhere: true }),
  };
}

/** The driver of a VM that was placed. */
export function driverOf(vm: Vm): string {
  if (vm.spec.driver === null) {
    throw new UsherError("internal", `VM "${vm.name}" has no driver`);
  }
  return vm.spec.driver;
}
