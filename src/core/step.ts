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
  | "unregister"
  | "offer"
  | "receive"
  | "send"
  | "switch"
  | "release";

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
  // The decision for the target is durable before "switch" begins.
  migrate: ["place", "offer", "receive", "send", "switch", "release"],
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
    /** Of a migration: where the VM goes, once that is chosen. */
    readonly to?: string | null;
    readonly live?: boolean | undefined;
  };
  readonly vm: {
    readonly node: string | null;
    readonly state: VmState;
    readonly incarnation: string | null;
  };
}

/** Whether the goal of `step` holds, so that it need not act. */
export function holds(step: StepName, { operation, vm }: StepView): boolean {
  const off = isOff(vm.state);
  const isSwitched = vm.node !== null && vm.node === operation.to;
  switch (step) {
    case "place":
      return operation.verb === "migrate"
        ? (operation.to ?? null) !== null
        : vm.node !== null;
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
    case "offer":
    case "receive":
    case "send":
      // Where there is no domain, the record alone moves.
      return isSwitched || vm.state === "absent";
    case "switch":
      return isSwitched && vm.state !== "migrating" && vm.state !== "unknown";
    case "release":
      return vm.state === "absent";
  }
}

/**
 * Whether `step` came to what it should, now that its node has answered. What
 * no record shows, the answer alone proves.
 */
export function isDone(step: StepName, view: StepView): boolean {
  switch (step) {
    case "place":
    case "receive":
    case "release":
      return true;
    case "offer":
      // As it was when its target was chosen, or it is moved in another way.
      return (view.operation.live === true) === !isOff(view.vm.state);
    case "send":
      // A domain that may still run at the source must not run at the target.
      return view.vm.state === "migrating" ||
        (view.operation.live !== true && isOff(view.vm.state));
    default:
      return holds(step, view);
  }
}

/**
 * Whether a step that was answered is not taken again: no record shows that it
 * is done, or it is done where nobody had to be asked.
 */
export function isProvenByAnswer(step: StepName): boolean {
  return step === "offer" || step === "receive" || step === "send" ||
    step === "switch" || step === "release";
}

/** Which node takes a step: the VM's own, or one end of a migration. */
export function nodeOf(
  step: StepName,
  operation: { readonly from: string | null; readonly to: string | null },
  vm: { readonly node: string | null },
): string | null {
  switch (step) {
    case "offer":
    case "send":
    case "release":
      return operation.from;
    case "receive":
    case "switch":
      return operation.to;
    default:
      return vm.node;
  }
}

/** Whether a step cannot be taken back once it began. */
export function isPointOfNoReturn(step: StepName): boolean {
  return step === "poweroff" || step === "shutdown" || step === "forget" ||
    step === "unregister" || step === "switch" || step === "release";
}

function isOff(state: VmState): boolean {
  return state === "absent" || state === "stopped" || state === "crashed";
}
