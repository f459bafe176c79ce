/**
 * `usher plugin reload`.
 *
 * @module
 */
import type {
  PluginChange,
  ReloadAnswer,
} from "../../../schema/plugin_life.ts";
import { defineCommand, NO_WORDS, toggle } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { FORMAT_FLAG, printOne } from "../../render/output.ts";
import { printable } from "../../render/table.ts";
import { awaitChange, sayTo } from "../../plugin_change.ts";
import { startWait } from "../../wait.ts";

export const reload = defineCommand({
  about:
    "Let the controller read the plugins section of its configuration and all plugins anew, while operations run. Either all of it is taken, or, when anything is wrong, nothing: the message names file, line and key, and the plugins that run go on.",
  words: NO_WORDS,
  flags: {
    check: toggle(
      "read and start everything, tell what would change, and change nothing",
    ),
    ...FORMAT_FLAG,
  },
  examples: [
    [
      "usher plugin reload --check",
      "whether it would work, and what it would change",
    ],
    ["usher plugin reload", "after ctrl.yaml or a plugin was changed"],
  ],
  async run(context, { flags }) {
    const api = await context.api();
    using wait = startWait(context);
    const answer = await awaitChange(
      api,
      { signal: wait.signal, say: sayTo(context.io) },
      (call) =>
        api.call("reloadPlugins", { body: { check: flags.check }, ...call }),
    );
    if (answer === null) return EXIT.stillRunning;
    for (const warning of answer.warnings) {
      context.io.stderr.write(`warning: ${printable(warning)}\n`);
    }
    await printOne(context, answer, flags.output, {
      name: "plugins",
      describe: (answer) => describeReload(answer, flags.check),
    });
    return EXIT.done;
  },
});

function describeReload({ changes }: ReloadAnswer, check: boolean): string {
  const changed = changes.filter(({ change }) => change !== "same");
  if (changed.length === 0) return "nothing has changed\n";
  return changed.map((one) => changeText(one, check)).join("");
}

function changeText(
  { name, change, from, to, grants }: PluginChange,
  check: boolean,
): string {
  const verb = check ? `would be ${change}` : change;
  const hashes = [from, to].flatMap((hash) => hash?.slice(0, 12) ?? []);
  const versions = [...new Set(hashes)].join(" → ");
  const lines = grants.map((text) => `  ${printable(text)}\n`);
  return `${name} ${verb} (${versions})\n${lines.join("")}`;
}
