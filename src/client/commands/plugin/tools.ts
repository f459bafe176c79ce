/**
 * The flags of what runs a plugin without a controller: check and test. What
 * they do is not the client's: src/plugin_tools runs them.
 *
 * @module
 */
import { defineCommand, parsed, text, toggle } from "../../command.ts";
import { readDuration } from "../../quantity.ts";
import { FORMAT_FLAG } from "../../render/output.ts";
import { UsageError } from "../../usage.ts";

function notHere(): Promise<number> {
  throw new UsageError(
    "This runs from the usher executable alone, not through the client library",
  );
}

const PLUGIN_FILE = {
  usage: "PLUGIN",
  min: 1,
  max: 1,
  completes: "file",
} as const;

const OPTIONS_FLAG = {
  options: text("FILE", "a YAML file with what stands under options", {
    completes: "file",
  }),
} as const;

export const check = defineCommand({
  about:
    "Load a plugin, a file or a folder, in the sandbox and print what it asks for, its options, its events, and what is wrong with it; run the checks in its checks.yaml; and, with a session at a controller, tell what differs from the version that runs there. Nothing is registered, and nothing that it asks of usher has an effect. It has no permissions but those that a flag gives. Exit code 1 when something does not hold.",
  words: PLUGIN_FILE,
  flags: {
    "allow-net": toggle(
      "let it reach the servers that its manifest asks for, and no others: its checks do there what they do",
    ),
    ...OPTIONS_FLAG,
    ...FORMAT_FLAG,
  },
  examples: [
    ["usher plugin check greeter", "the folder that usher plugin init made"],
    ["usher plugin check greeter -o json", "for a program"],
  ],
  run: notHere,
});

export const test = defineCommand({
  about:
    "Play recorded events to a plugin, a file or a folder, in the sandbox, and list each one that it would have decided otherwise than the handler that was there; where none was, otherwise than by leaving it as it is. What it reads is the site as it is now; what it keeps, it reads back while the test lasts; what it files or fires is listed and not done. Its registrations, options and grants are those of the version that runs, but for write and run; of one that is not in the configuration, --options, all that it handles, and what it asks of ctx.",
  words: PLUGIN_FILE,
  flags: {
    since: parsed("DUR", "events of so long, 1d by default", readDuration),
    strict: toggle(
      "exit code 1 when something would have been decided otherwise",
    ),
    shadow: toggle(
      "let the controller run it beside the version that runs, from the same path on its machine, and only compare; until a plugin is enabled, disabled or reloaded",
    ),
    for: parsed(
      "DUR",
      "with --shadow: wait so long, or until Ctrl-C, saying what differs; then end it and report",
      readDuration,
    ),
    ...OPTIONS_FLAG,
    ...FORMAT_FLAG,
  },
  examples: [
    ["usher plugin test greeter --since 7d", "the new version, on a week"],
    ["usher plugin test greeter --strict", "in a pipeline"],
    [
      "usher plugin test greeter --shadow --for 1s",
      "what it does otherwise as it happens, and how often",
    ],
  ],
  run: notHere,
});
