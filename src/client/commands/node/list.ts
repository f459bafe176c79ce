/**
 * `usher node list`.
 *
 * @module
 */
import type { NodeView } from "../../../schema/change.ts";
import { defineCommand, NO_WORDS } from "../../command.ts";
import { age, cpu, memory, NOTHING, rate } from "../../render/format.ts";
import { printRows, WATCHED_FLAGS } from "../../render/output.ts";
import type { Column } from "../../render/table.ts";
import { stateColor } from "../vm/columns.ts";
import { clockText } from "./clock_text.ts";

export const list = defineCommand({
  about:
    "List nodes: what they have, what their VMs were promised, and what is used.",
  words: NO_WORDS,
  flags: WATCHED_FLAGS,
  examples: [
    ["usher node list", "all nodes"],
    ["usher node list --watch", "as they change, until Ctrl-C"],
    [
      "usher node list -o wide --sort -cpu",
      "with disk and network, busiest first",
    ],
  ],
  async run(context, { flags }) {
    const api = await context.api();
    const listing = {
      read: async () => (await api.call("nodes")).nodes,
      columns: nodeColumns,
      order: "name",
      name: ({ name }: NodeView) => name,
      none: "no nodes; usher node token lets one join",
    };
    if (flags.watch) {
      const { watchRows } = await import("../../watch_rows.ts");
      // A VM that comes or goes changes what its node has left.
      const watching = { kinds: "node,vm", changeOf };
      return await watchRows(context, api, { ...listing, ...watching }, flags);
    }
    await printRows(context, listing, flags);
    return 0;
  },
});

/** What of a node is news: not what it uses, nor what its clock says, which are different at every look. */
function changeOf({ usage: _, clockAheadMs: _c, ...node }: NodeView): string {
  return JSON.stringify(node);
}

/** Columns for nodes that are read at `now`. */
export function nodeColumns(now: number): readonly Column<NodeView>[] {
  return [
    { key: "name", value: ({ name }) => name, shrinks: true },
    { key: "state", value: stateText, color: stateColor },
    number("vms", ({ vms }) => vms, String),
    {
      key: "cpus",
      align: "right",
      value: ({ allocatedCpus, capacity }) =>
        `${allocatedCpus}/${capacity.cpus}`,
      sort: ({ allocatedCpus }) => allocatedCpus,
    },
    {
      key: "memory",
      align: "right",
      value: ({ allocatedMiB, capacity }) =>
        `${memory(allocatedMiB)}/${memory(capacity.memoryMiB)}`,
      sort: ({ allocatedMiB }) => allocatedMiB,
    },
    {
      key: "cpu",
      leavesFirst: true,
      align: "right",
      value: ({ usage }) => cpu(usage?.cpu),
      sort: ({ usage }) => usage?.cpu?.m1 ?? -1,
    },
    number("used", ({ usage }) => usage?.memoryMiB ?? null, memory),
    { key: "drivers", value: driversText, shrinks: true, leavesFirst: true },
    {
      key: "since",
      leavesFirst: true,
      align: "right",
      value: ({ since }) => age(since, now),
      sort: ({ since }) => now - Date.parse(since),
    },
    ...(["diskRead", "diskWrite", "netRx", "netTx"] as const).map((
      key,
    ): Column<NodeView> => ({
      key: {
        diskRead: "disk-r",
        diskWrite: "disk-w",
        netRx: "net-rx",
        netTx: "net-tx",
      }[key],
      wide: true,
      align: "right",
      value: ({ usage }) => rate(usage?.[key]),
      sort: ({ usage }) => usage?.[key]?.m1 ?? -1,
    })),
    {
      key: "clock",
      wide: true,
      value: ({ clockAheadMs }) => clockText(clockAheadMs ?? null) ?? NOTHING,
    },
    { key: "version", wide: true, value: ({ version }) => version },
    { key: "labels", wide: true, shrinks: true, value: labelsText },
  ];
}

/** One that takes no VMs is shown so while it is there. */
function stateText({ state, draining }: NodeView): string {
  return draining && state === "ready" ? "draining" : state;
}

function number(
  key: string,
  read: (node: NodeView) => number | null,
  show: (value: number) => string,
): Column<NodeView> {
  return {
    key,
    align: "right",
    value: (node) => {
      const value = read(node);
      return value === null ? NOTHING : show(value);
    },
    sort: (node) => read(node) ?? -1,
  };
}

/** Drivers that work, and those that should and do not. */
export function driversText({ drivers }: NodeView): string {
  const shown = drivers
    .filter(({ health }) => health !== "undetected")
    .map(({ name, health }) =>
      health === "healthy" ? name : `${name} (unhealthy)`
    );
  return shown.join(" ") || NOTHING;
}

function labelsText({ labels }: NodeView): string {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`)
    .join(" ") || NOTHING;
}
