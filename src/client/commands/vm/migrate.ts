/**
 * `usher vm migrate`.
 *
 * @module
 */
import {
  defineCommand,
  type Flags,
  type FlagValues,
  parsed,
  text,
  toggle,
  type Words,
} from "../../command.ts";
import { readBandwidth, readDuration } from "../../quantity.ts";
import { REQUEST_FLAGS, runRequest } from "../../wait.ts";
import { readRequestWords } from "./names.ts";

const WORDS: Words = {
  usage: "NAMES... [key=value...]",
  min: 1,
  max: Infinity,
  completes: "vm",
};

/** What may be said of a move. */
export const MIGRATE_FLAGS = {
  to: text("NODE", "the node to move to; placement chooses by default", {
    completes: "node",
  }),
  "max-downtime": parsed(
    "DUR",
    "the longest pause to aim at, such as 100ms",
    readDuration,
  ),
  bandwidth: parsed(
    "RATE",
    "the most to send in a second, such as 100MiB/s",
    readBandwidth,
  ),
  "post-copy": toggle(
    "let the guest run there before all its memory has come, where that is possible",
  ),
  "no-auto-converge": toggle(
    "never slow down a guest that writes faster than can be sent",
  ),
  ...REQUEST_FLAGS,
} as const satisfies Flags;

export const migrate = defineCommand({
  about:
    "Move VMs to another node while they run, with the disks that usher made for them. One that is off moves its disks alone.",
  words: WORDS,
  flags: MIGRATE_FLAGS,
  examples: [
    ["usher vm migrate web1", "to the node that placement chooses"],
    ["usher vm migrate 'db*' --to n2 --bandwidth 100MiB/s", "leaving room"],
  ],
  run: (context, { words, flags }) =>
    runRequest(context, {
      verb: "migrate",
      ...readRequestWords(words),
      ...moveOf(flags),
    }, flags),
});

/** What the flags ask of a move, as a request has it. */
export function moveOf(
  { to, bandwidth, ...flags }: FlagValues<typeof MIGRATE_FLAGS>,
) {
  const maxDowntimeMs = flags["max-downtime"];
  return {
    ...(to === undefined ? {} : { to }),
    ...(maxDowntimeMs === undefined ? {} : { maxDowntimeMs }),
    ...(bandwidth === undefined ? {} : { bandwidth }),
    ...(flags["post-copy"] ? { postCopy: true } : {}),
    ...(flags["no-auto-converge"] ? { autoConverge: false } : {}),
  };
}
