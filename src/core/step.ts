/**
 * Steps: what an operation is made of, and when each of them holds already.
 *
 * A step looks, acts, and looks again. Looking is pure and stands here: given
 * what is known of the VM, does the step's goal hold? So a step that a crash
 * interrupted is simply looked at again. What tells one run of a VM from the
 * next is its incarnation, the id of the operation that started it.
 *
 * @module
 */
import type { Verb } from "../schema/operation.ts";
import type { VmState } from "../schema/vm.ts";

/** One piece of an operation. */
export type StepName =
  | "place"
  | "start"
  | "shutdown"
  | "poweroff"
  | "pause"
  | "resume"
  | "forget"
  | "unregister";

const PLANS: Readonly<Record<Verb, readonly StepName[]>> = {
  register: [],
  start: ["place", "start"],
  shutdown: ["shutdown"],
  poweroff: ["poweroff"],
  cycle: ["poweroff", "place", "start"],
  reboot: ["shutdown", "start"],
  pause: ["pause"],
  resume: ["resume"],
  unregister: ["forget", "unregister"],
  destroy: ["poweroff", "forget", "unregister"],
  migrate: [],
};

/** The steps of a verb, in order. */
export function planSteps(verb: Verb): readonly StepName[] {
  return PLANS[verb];
}

/** What a step's look needs to know. */
export interface StepView {
  readonly operation: {
    readonly id: string;
    readonly verb: Verb;
  };
  readonly vm: {
    readonly node: string | null;
    readonly state: VmState;
    readonly incarnation: string | null;
  };
}

/** Whether the goal of `step` holds, so that it need not act. */
export function holds(step: StepName, { operation, vm }: StepView): boolean {
  const off = vm.state === "absent" || vm.state === "stopped" ||
    vm.state === "crashed";
  switch (step) {
    case "place":
      return vm.node !== null;
    case "start":
      // A cycle must start a new run; a start is content with any.
      return vm.state === "running" &&
        (operation.verb === "start" || vm.incarnation === operation.id);
    case "shutdown":
    case "poweroff":
      // Off, or on again by this very operation's later start.
      return off || vm.incarnation === operation.id;
    case "pause":
      return vm.state === "paused";
    case "resume":
      return vm.state === "running";
    case "forget":
      return vm.node === null || vm.state === "absent";
    case "unregister":
      return false;
  }
}

/** Whether a step cannot be taken back once it began. */
export function isPointOfNoReturn(step: StepName): boolean {
  return step === "poweroff" || step === "shutdown" || step === "forget" ||
    step === "unregister";
}
