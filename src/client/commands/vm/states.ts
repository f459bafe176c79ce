/**
 * The states of VMs and the verbs, for suggestions; schema/vm.ts and
 * schema/operation.ts have them too, and are not loaded for a word.
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

/** Every verb that an operation can be of. */
export const VERB_WORDS: readonly string[] = [
  "start",
  "cycle",
  "migrate",
  "pause",
  "resume",
  "reboot",
  "shutdown",
  "poweroff",
  "register",
  "unregister",
  "destroy",
];
