/**
 * Verbs on VMs that are there already.
 *
 * @module
 */
import {
  type Command,
  defineCommand,
  parsed,
  type Words,
} from "../../command.ts";
import { readDuration } from "../../quantity.ts";
import { REQUEST_FLAGS, runRequest } from "../../wait.ts";
import { readRequestWords } from "./names.ts";

const WORDS: Words = {
  usage: "NAMES... [key=value...]",
  min: 1,
  max: Infinity,
  completes: "vm",
};

type PlainVerb =
  | "poweroff"
  | "cycle"
  | "pause"
  | "resume"
  | "unregister"
  | "destroy";

function plainVerb(
  verb: PlainVerb,
  about: string,
): Command<typeof REQUEST_FLAGS> {
  return defineCommand({
    about,
    words: WORDS,
    flags: REQUEST_FLAGS,
    examples: [
      [`usher vm ${verb} web1`, "one VM"],
      [`usher vm ${verb} 'web*'`, "all whose name begins so"],
    ],
    run: (context, { words, flags }) =>
      runRequest(context, { verb, ...readRequestWords(words) }, flags),
  });
}

/** The verbs that take nothing but names. */
export const PLAIN_VERBS: Readonly<
  Record<PlainVerb, Command<typeof REQUEST_FLAGS>>
> = {
  poweroff: plainVerb(
    "poweroff",
    "Cut the power of VMs. It takes over from whatever operation holds them.",
  ),
  cycle: plainVerb("cycle", "Cut the power of VMs and turn it on again."),
  pause: plainVerb("pause", "Freeze VMs in memory, where their node can."),
  resume: plainVerb("resume", "Let paused VMs go on."),
  unregister: plainVerb(
    "unregister",
    "Forget stopped VMs, with the disks that usher made for them.",
  ),
  destroy: plainVerb(
    "destroy",
    "Cut the power of VMs and forget them, with the disks that usher made for them.",
  ),
};

/** What may be said of what a guest is asked for. */
export const GRACEFUL_FLAGS = {
  grace: parsed("DUR", "how long guests get, 60s by default", readDuration),
  ...REQUEST_FLAGS,
} as const;

function gracefulVerb(
  verb: "shutdown" | "reboot",
  about: string,
): Command<typeof GRACEFUL_FLAGS> {
  return defineCommand({
    about,
    words: WORDS,
    flags: GRACEFUL_FLAGS,
    examples: [
      [`usher vm ${verb} web1`, "one VM"],
      [`usher vm ${verb} --grace 5m 'db*'`, "with time to finish"],
    ],
    run: (context, { words, flags }) =>
      runRequest(context, {
        verb,
        ...readRequestWords(words),
        ...graceOf(flags),
      }, flags),
  });
}

/** What the flags ask of a guest, as a request has it. */
export function graceOf({ grace }: { readonly grace: number | undefined }) {
  return grace === undefined ? {} : { graceMs: grace };
}

export const shutdown = gracefulVerb(
  "shutdown",
  "Ask guests to turn themselves off. One that does not obey in time fails, and runs on.",
);

export const reboot = gracefulVerb(
  "reboot",
  "Ask guests to shut down, then start them again.",
);
