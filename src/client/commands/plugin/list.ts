/**
 * `usher plugin list`.
 *
 * @module
 */
import type { PluginView } from "../../../schema/plugin.ts";
import { defineCommand, NO_WORDS } from "../../command.ts";
import { memory, NOTHING } from "../../render/format.ts";
import { changeText, sayTo } from "../../plugin_change.ts";
import { OUTPUT_FLAGS, printRows } from "../../render/output.ts";
import type { Column } from "../../render/table.ts";
import { callTime, figuresOf } from "./figures.ts";

export const list = defineCommand({
  about:
    "List plugins: those that are registered with what their calls cost, and those that could be.",
  words: NO_WORDS,
  flags: OUTPUT_FLAGS,
  examples: [
    ["usher plugin list", "who runs, how fast, and who fails"],
    ["usher plugin list -o wide --sort -p99", "the slowest first"],
  ],
  async run(context, { flags }) {
    const api = await context.api();
    await printRows(context, {
      read: async () => {
        const { plugins, change } = await api.call("plugins");
        if (change) sayTo(context.io)(changeText(change));
        return plugins;
      },
      columns: COLUMNS,
      name: ({ name }) => name,
      none: "no plugins; usher plugin init makes one",
    }, flags);
    return 0;
  },
});

const RED = 31;
const YELLOW = 33;

const COLUMNS: readonly Column<PluginView>[] = [
  { key: "name", value: ({ name }) => name },
  {
    key: "state",
    value: ({ state, shadow }) => shadow === null ? state : `${state}+shadow`,
    color: pluginColor,
  },
  {
    key: "version",
    value: ({ manifest }) => manifest?.version ?? NOTHING,
  },
  {
    key: "events",
    align: "right",
    value: ({ registrations }) => String(registrations.length),
    sort: ({ registrations }) => registrations.length,
  },
  number("calls", (one) => figuresOf(one).calls, String),
  number("p50", (one) => figuresOf(one).p50Ms, callTime),
  number("p99", (one) => figuresOf(one).p99Ms, callTime),
  number("failures", (one) => figuresOf(one).failures, String),
  {
    key: "circuit",
    value: (one) => figuresOf(one).circuit,
    color: pluginColor,
  },
  number("memory", ({ memoryMiB }) => memoryMiB, memory),
  {
    key: "last-error",
    shrinks: true,
    value: (one) => figuresOf(one).lastError ?? (one.reason || NOTHING),
  },
  number("refusals", (one) => figuresOf(one).refusals, String, true),
  {
    key: "shadow",
    wide: true,
    align: "right",
    value: ({ shadow }) =>
      shadow === null ? NOTHING : `${shadow.different}/${shadow.compared}`,
    sort: ({ shadow }) => shadow?.different ?? -1,
  },
  number("skipped", (one) => figuresOf(one).skipped, String, true),
  number("restarts", ({ restarts }) => restarts, String, true),
  {
    key: "pid",
    wide: true,
    align: "right",
    value: ({ pid }) => pid === null ? NOTHING : String(pid),
  },
  { key: "path", wide: true, shrinks: true, value: ({ path }) => path },
  {
    key: "hash",
    wide: true,
    value: ({ hash }) => hash.slice(0, 12) || NOTHING,
  },
];

function number(
  key: string,
  read: (plugin: PluginView) => number | null,
  show: (value: number) => string,
  wide = false,
): Column<PluginView> {
  return {
    key,
    align: "right",
    ...(wide ? { wide } : {}),
    value: (plugin) => {
      const value = read(plugin);
      return value === null ? NOTHING : show(value);
    },
    sort: (plugin) => read(plugin) ?? -1,
  };
}

/** What is broken is red, what is not quite there yellow. */
export function pluginColor(word: string): number | undefined {
  if (word === "failed" || word === "open") return RED;
  return word === "running" || word === "closed" || word === "available"
    ? undefined
    : YELLOW;
}
