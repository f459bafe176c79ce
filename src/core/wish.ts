/**
 * What a request makes its owner's wish for a VM: power and arguments.
 *
 * The wish is the request's from the moment its operation begins. One that is
 * refused, at once or when its turn comes, changes nothing.
 *
 * @module
 */
import type { Verb } from "../schema/operation.ts";
import type { Vm } from "../schema/vm.ts";

/** What the owner wants of a VM's power, by the verb; others leave it be. */
const POWER: Partial<Record<Verb, Vm["spec"]["power"]>> = {
  start: "on",
  cycle: "on",
  reboot: "on",
  shutdown: "off",
  poweroff: "off",
};

/** The VM as `verb` with `args` makes it wanted; itself when that is nothing new. */
export function wished(
  vm: Vm,
  { verb, args }: { readonly verb: Verb; readonly args: Vm["args"] },
): Vm {
  const power = POWER[verb] ?? vm.spec.power;
  const powered = power === vm.spec.power ? vm : {
    ...vm,
    generation: vm.generation + 1,
    spec: { ...vm.spec, power },
  };
  return Object.keys(args).length === 0
    ? powered
    : { ...powered, args: { ...powered.args, ...args } };
}
