/**
 * The flags of what stands behind `usher ctrl`: commands on the controller's
 * state, for its owner. What they do is not the client's: src/state_tools.ts
 * runs them.
 *
 * @module
 */
import { defineCommand, NO_WORDS, text, toggle } from "../command.ts";
import { UsageError } from "../usage.ts";

function notHere(): Promise<number> {
  throw new UsageError(
    "This runs from the usher executable alone, not through the client library",
  );
}

const STATE_FLAGS = {
  config: text("FILE", "the controller's configuration", { completes: "file" }),
  state: text("DIR", "where the state lies", { completes: "file" }),
} as const;

const check = defineCommand({
  about:
    "Check that every record of the controller's state is sound, and that they agree with each other. Changes nothing; the controller may run. Exit code 1 when something is broken.",
  words: NO_WORDS,
  flags: {
    ...STATE_FLAGS,
    json: toggle("print the whole report as one JSON object"),
  },
  examples: [
    [
      "usher ctrl check",
      "on the controller's machine, as the owner of its state",
    ],
    ["usher ctrl check --json", "for a program"],
  ],
  run: notHere,
});

const backup = defineCommand({
  about:
    "Write all that a controller needs to be itself again into one file: its records, its CA and keys. The controller goes on serving. Keep the file secret: who has it can be the controller.",
  words: { usage: "FILE", min: 1, max: 1, completes: "file" },
  flags: {
    ...STATE_FLAGS,
    force: toggle("replace a file that is there"),
  },
  examples: [
    [
      "usher ctrl backup usher.backup",
      "on the controller's machine, as the owner of its state",
    ],
    ["usher ctrl backup --force usher.backup", "in the place of an older one"],
  ],
  run: notHere,
});

const restore = defineCommand({
  about:
    "Make the state of a controller from a backup, in a state directory that is empty. No controller of the site may run. Each VM is unknown until its node has told of it.",
  words: { usage: "FILE", min: 1, max: 1, completes: "file" },
  flags: STATE_FLAGS,
  examples: [
    [
      "usher ctrl restore --state /srv/usher usher.backup",
      "then: usher ctrl --state /srv/usher",
    ],
  ],
  run: notHere,
});

const reload = defineCommand({
  about:
    "Let the controller that runs on a state directory read its configuration anew, as SIGHUP does. What can change while it runs is taken, plugins among it, and what needs a restart is told; when anything is wrong nothing is taken, and the message names file, line and key. docs/configuration.md says which keys are which.",
  words: NO_WORDS,
  flags: {
    ...STATE_FLAGS,
    check: toggle("tell what would be taken, and take nothing"),
    json: toggle("print the answer as one JSON object"),
  },
  examples: [
    ["usher ctrl reload --check", "after ctrl.yaml was changed"],
    [
      "usher ctrl reload",
      "on the controller's machine, as the owner of its state",
    ],
  ],
  run: notHere,
});

/** What stands behind `usher ctrl`, beside admin-token. */
export const CTRL_COMMANDS = { check, backup, restore, reload } as const;
/** One of them. */
export type CtrlWord = keyof typeof CTRL_COMMANDS;

/** The command behind `usher ctrl` that `word` names; null for none. */
export function ctrlWord(word: string | undefined): CtrlWord | null {
  return word !== undefined && Object.hasOwn(CTRL_COMMANDS, word)
    ? word as CtrlWord
    : null;
}
