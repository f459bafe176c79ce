/**
 * The states of VMs, for suggestions; schema/vm.ts has them too, and is not
 * loaded for a word.
 *
 * @module
 */

/** Every state that a VM can be in. */
export const VM_STATES: readonly string[] = [
  "absent",
  "starting",
  "running",
  "paused",
  "stopping",
  "stopped",
  "crashed",
  "migrating",
  "unknown",
];
