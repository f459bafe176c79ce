/**
 * `usher event list`.
 *
 * @module
 */
import type { EventKind } from "../../../schema/event.ts";
import { choice, defineCommand, NO_WORDS, toggle } from "../../command.ts";
import { OUTPUT_FLAGS, printRows } from "../../render/output.ts";

const GROUPS = ["client", "cluster", "controller", "lnm", "vm", "plugin"];

/** An event of usher's own, or one that a plugin declares. */
interface Row {
  readonly name: string;
  readonly group: string;
  readonly class: string;
  readonly args: string;
  readonly deadlineMs: number;
  readonly recorded: boolean;
  readonly about: string;
  /** The plugin that declares it; null for usher's own. */
  readonly plugin: string | null;
}

export const list = defineCommand({
  about:
    "List the events that handlers of plugins can be registered for. Those that plugins of the site declare are listed with --site.",
  words: NO_WORDS,
  flags: {
    group: choice(GROUPS, "events of this group alone"),
    site: toggle("ask the controller for events that its plugins declare, too"),
    ...OUTPUT_FLAGS,
  },
  examples: [
    ["usher event list", "all of usher's own"],
    [
      "usher event list --group vm -o wide",
      "those of VMs, with what they mean",
    ],
    ["usher event list --site", "with those that plugins declare"],
  ],
  async run(context, { flags }) {
    await printRows<Row>(context, {
      read: async () => {
        const rows = [
          ...await ownEvents(),
          ...flags.site ? await declaredEvents(context) : [],
        ];
        return rows.filter(({ group }) =>
          flags.group === undefined || group === flags.group
        );
      },
      columns: [
        { key: "name", value: ({ name }) => name },
        { key: "group", value: ({ group }) => group },
        { key: "class", value: (row) => row.class },
        { key: "arguments", value: ({ args }) => args },
        {
          key: "deadline",
          align: "right",
          value: ({ deadlineMs }) => `${deadlineMs / 1000}s`,
          sort: ({ deadlineMs }) => deadlineMs,
        },
        {
          key: "about",
          wide: true,
          shrinks: true,
          value: ({ about }) => about,
        },
        { key: "plugin", wide: true, value: ({ plugin }) => plugin ?? "-" },
      ],
      name: ({ name }) => name,
      none: "no events of that group",
    }, flags);
    return 0;
  },
});

/** Usher's own, in the order of the catalogue. */
async function ownEvents(): Promise<Row[]> {
  const { EVENTS } = await import("../../../schema/event.ts");
  return (Object.entries(EVENTS) as [string, EventKind][]).map((
    [name, kind],
  ) => ({
    name,
    group: kind.group,
    class: kind.class,
    args: kind.names.join(", "),
    deadlineMs: kind.deadlineMs,
    recorded: kind.recorded,
    about: kind.about,
    plugin: null,
  }));
}

/** How long a handler of an event that a plugin declares may take. */
const DECLARED_MS = 30_000;

async function declaredEvents(
  { api }: Parameters<typeof list.run>[0],
): Promise<Row[]> {
  const { plugins } = await (await api()).call("plugins");
  return plugins.flatMap(({ name: plugin, manifest }) =>
    Object.entries(manifest?.events ?? {}).map(([name, about]) => ({
      name,
      group: "plugin",
      class: "tells",
      args: "...",
      deadlineMs: DECLARED_MS,
      recorded: false,
      about,
      plugin,
    }))
  );
}
