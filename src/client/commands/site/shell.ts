/**
 * `usher shell`, which is `ush`.
 *
 * @module
 */
import { defineCommand, text, toggle } from "../../command.ts";

export const shell = defineCommand({
  about:
    "Open the interactive shell; called as ush, usher does the same. Without a terminal on standard input, or with a FILE or --command, it runs a script: commands by lines or ;, comments after #. The first that fails ends it with its exit code.",
  words: { usage: "[FILE]", min: 0, max: 1, completes: "file" },
  flags: {
    command: text("TEXT", "run these commands, and leave", { short: "c" }),
    "keep-going": toggle("go on after a command that failed", { short: "k" }),
  },
  examples: [
    ["usher shell", "on a terminal; help shows the commands"],
    ["usher shell -c 'start web1; list'", "two commands"],
    ["echo nodes | usher shell", "a script from a pipe"],
  ],
  run(context, { words: [file], flags }) {
    return context.shell({
      file,
      command: flags.command,
      keepGoing: flags["keep-going"],
    });
  },
});
