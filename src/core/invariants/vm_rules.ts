/**
 * What must hold of every VM's record.
 *
 * @module
 */
import { FOUND_OWNER, splitVmName } from "../../schema/name.ts";
import type { Vm } from "../../schema/vm.ts";
import { occupies } from "../vm_machine.ts";
import { broken, type Finding, recordName } from "./finding.ts";
import type { StoredState } from "./state.ts";

/** What is wrong with the VM under `key`. */
export function checkVm(key: string, vm: Vm, state: StoredState): Finding[] {
  const found: Finding[] = [];
  const record = recordName("vm", key);
  const say = (rule: string, text: string, right: string) =>
    found.push(broken(rule, record, text, right));
  const { name, node, status, spec } = vm;
  const others = [...state.vmsNamed.get(name)].filter((uid) => uid !== key);
  if (others.length > 0) {
    say(
      "vm-name",
      `VM "${name}" shares its name with ${others.join(", ")}`,
      "one VM for each name",
    );
  }
  if (node !== null && state.get("node", node) === undefined) {
    say(
      "vm-node",
      `VM "${name}" lies on node "${node}", which has no record`,
      "a node that has joined",
    );
  }
  // One that is off may have been freed from a node that is dead.
  const runsNowhere = node === null && occupies(status.state) &&
    vm.unconfirmed !== true;
  if (runsNowhere) {
    say(
      "vm-placed",
      `VM "${name}" is ${status.state} and lies on no node`,
      "a node for as long as it is on",
    );
  }
  if (node !== null && spec.driver === null) {
    say(
      "vm-driver",
      `VM "${name}" lies on node "${node}" and has no driver`,
      "the name of a driver",
    );
  }
  if (status.observedGeneration > vm.generation) {
    say(
      "vm-generation",
      `VM "${name}" runs generation ${status.observedGeneration}, and its record is of generation ${vm.generation}`,
      "a generation that is the newest seen",
    );
  }
  if (vm.found && splitVmName(name).user !== FOUND_OWNER) {
    say(
      "vm-found",
      `VM "${name}" was found on a node and belongs to somebody`,
      `the owner "${FOUND_OWNER}"`,
    );
  }
  found.push(...checkRun(key, vm, state));
  return found;
}

/** One run is one VM's: an operation starts the VM that it is on. */
function checkRun(key: string, vm: Vm, state: StoredState): Finding[] {
  const { incarnation } = vm.status;
  if (incarnation === null) return [];
  const sharers = [...state.vmsOfRun.get(incarnation)].filter((uid) =>
    uid !== key
  );
  const starter = state.get("operation", incarnation);
  const isAlien = starter !== undefined && starter.uid !== key;
  if (sharers.length === 0 && !isAlien) return [];
  const also = isAlien ? `VM ${starter.uid}` : sharers.join(", ");
  return [
    broken(
      "vm-incarnation",
      recordName("vm", key),
      `VM "${vm.name}" runs as ${incarnation}, a start of ${also}`,
      "a run that its own operation began",
    ),
  ];
}
