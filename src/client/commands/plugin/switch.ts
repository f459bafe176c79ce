/**
 * `usher plugin enable` and `usher plugin disable`.
 *
 * @module
 */
import type { PluginView } from "../../../schema/plugin.ts";
import { type Context, defineCommand } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { FORMAT_FLAG, printShown } from "../../render/output.ts";
import { printable } from "../../render/table.ts";
import { awaitChange, sayTo } from "../../plugin_change.ts";
import { startWait } from "../../wait.ts";

const words = {
  usage: "PLUGINS...",
  min: 1,
  max: Infinity,
  completes: "plugin",
} as const;

export const enable = defineCommand({
  about:
    "Run plugins that are in the configuration, from now on and after every restart, whatever its enabled says. One that does not start changes nothing.",
  words,
  flags: FORMAT_FLAG,
  examples: [[
    "usher plugin enable greeter",
    "what usher plugin disable has turned off",
  ]],
  run: (context, { words, flags }) =>
    turn(context, "enablePlugin", words, flags.output),
});

export const disable = defineCommand({
  about:
    "Run plugins no more, from now on and after every restart, whatever the configuration says. Calls that have begun end; chains go on without them.",
  words,
  flags: FORMAT_FLAG,
  examples: [
    ["usher plugin disable greeter", "its handlers are called no more"],
  ],
  run: (context, { words, flags }) =>
    turn(context, "disablePlugin", words, flags.output),
});

async function turn(
  context: Context,
  route: "enablePlugin" | "disablePlugin",
  names: readonly string[],
  output: Parameters<typeof printShown>[2],
): Promise<number> {
  const api = await context.api();
  using wait = startWait(context);
  const plugins: PluginView[] = [];
  // One after another: each of them is a new set of plugins.
  for (const name of names) {
    const plugin = await awaitChange(
      api,
      { signal: wait.signal, say: sayTo(context.io) },
      (call) => api.call(route, { params: { name }, ...call }),
    );
    if (plugin === null) return EXIT.stillRunning;
    plugins.push(plugin);
  }
  const format = output ?? (await context.settings()).output;
  if (format === "table" || format === "wide") {
    for (const { name, state, reason } of plugins) {
      const why = reason === "" ? "" : `: ${printable(reason)}`;
      context.io.stdout.write(`${name} is ${state}${why}\n`);
    }
    return EXIT.done;
  }
  await printShown(context, plugins, format, {
    single: names.length === 1,
    name: ({ name }) => name,
    describe: ({ name }) => name,
  });
  return EXIT.done;
}
