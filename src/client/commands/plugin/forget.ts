/**
 * `usher plugin forget`.
 *
 * @module
 */
import { askYes } from "../../ask.ts";
import { type Context, defineCommand, toggle } from "../../command.ts";
import { failure } from "../../failure.ts";
import { FORMAT_FLAG, printOne } from "../../render/output.ts";
import { UsageError } from "../../usage.ts";

export const forget = defineCommand({
  about:
    "Forget what a plugin has kept: its values, the events that it has scheduled, and which of its timers have fired. It must not run, and need not be there any more.",
  words: { usage: "PLUGIN", min: 1, max: 1, completes: "plugin" },
  flags: {
    yes: toggle("do not ask; needed where there is no terminal", {
      short: "y",
    }),
    ...FORMAT_FLAG,
  },
  examples: [
    ["usher plugin disable greeter", "first, since it must not run"],
    ["usher plugin forget greeter --yes", "then, without being asked"],
  ],
  async run(context, { words: [name = ""], flags }) {
    const api = await context.api();
    if (!flags.yes) await confirm(context, name);
    const answer = await api.call("forgetPlugin", { params: { name } });
    await printOne(context, answer, flags.output, {
      name,
      describe: ({ values, scheduled }) =>
        `${name}: ${values} value(s) and ${scheduled} scheduled event(s) are forgotten\n`,
    });
    return 0;
  },
});

async function confirm({ io }: Context, plugin: string): Promise<void> {
  if (!io.stdin.isTerminal || !io.stderr.isTerminal) {
    throw new UsageError(
      `Cannot ask whether what plugin "${plugin}" keeps may be forgotten: there is no terminal`,
      "add --yes when it may",
    );
  }
  io.stderr.write(
    `What plugin "${plugin}" keeps cannot be brought back: addresses, locks, or whatever it is.\n`,
  );
  if (await askYes(io, "Forget it?")) return;
  throw await failure(
    "cancelled",
    `Nothing of plugin "${plugin}" was forgotten`,
  );
}
