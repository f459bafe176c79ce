/**
 * The columns of a table of VMs.
 *
 * @module
 */
import type { VmView } from "../../../schema/change.ts";
import { age, cpu, memory, NOTHING, rate } from "../../render/format.ts";
import type { Column } from "../../render/table.ts";

const GREEN = 32;
const RED = 31;
const YELLOW = 33;
const GREY = 90;

/** The colour of a VM's or a node's state. */
export function stateColor(state: string): number | undefined {
  switch (state) {
    case "running":
    case "ready":
      return GREEN;
    case "crashed":
    case "lost":
      return RED;
    case "stopped":
    case "absent":
      return GREY;
    default:
      return YELLOW;
  }
}

const USAGE_KEYS = {
  diskRead: "disk-r",
  diskWrite: "disk-w",
  netRx: "net-rx",
  netTx: "net-tx",
} as const;

const usageColumns: readonly Column<VmView>[] = [
  {
    key: "cpu",
    wide: true,
    align: "right",
    value: ({ usage }) => cpu(usage?.cpu),
    sort: ({ usage }) => usage?.cpu?.m1 ?? -1,
  },
  {
    key: "used",
    wide: true,
    align: "right",
    value: ({ usage }) => memory(usage?.memoryMiB ?? null),
    sort: ({ usage }) => usage?.memoryMiB ?? -1,
  },
  ...(["diskRead", "diskWrite", "netRx", "netTx"] as const).map((
    key,
  ): Column<VmView> => ({
    key: USAGE_KEYS[key],
    wide: true,
    align: "right",
    value: ({ usage }) => rate(usage?.[key]),
    sort: ({ usage }) => usage?.[key]?.m1 ?? -1,
  })),
];

/** Columns for rows that are read at `now`. */
export function vmColumns(now: number): readonly Column<VmView>[] {
  return [
    { key: "name", value: ({ name }) => name, shrinks: true },
    {
      key: "state",
      value: ({ status }) => status.state,
      color: stateColor,
    },
    { key: "node", value: ({ node }) => node ?? NOTHING },
    {
      key: "vcpus",
      leavesFirst: true,
      align: "right",
      value: ({ spec }) => String(spec.vcpus),
      sort: ({ spec }) => spec.vcpus,
    },
    {
      key: "memory",
      leavesFirst: true,
      align: "right",
      value: ({ spec }) => memory(spec.memoryMiB),
      sort: ({ spec }) => spec.memoryMiB,
    },
    {
      key: "since",
      leavesFirst: true,
      align: "right",
      value: ({ status }) => age(status.since, now),
      sort: ({ status }) => now - Date.parse(status.since),
    },
    ...usageColumns,
    { key: "driver", wide: true, value: ({ spec }) => spec.driver ?? NOTHING },
    {
      key: "age",
      wide: true,
      align: "right",
      value: ({ createdAt }) => age(createdAt, now),
      sort: ({ createdAt }) => now - Date.parse(createdAt),
    },
    { key: "id", wide: true, value: ({ uid }) => uid },
    {
      key: "dns",
      byNameAlone: true,
      shrinks: true,
      value: ({ dns }) => dns ?? NOTHING,
    },
    {
      key: "reason",
      wide: true,
      shrinks: true,
      value: ({ status }) => status.reason || NOTHING,
    },
  ];
}

/**
 * What has to be asked for to fill columns: `row` as long as all of them stand
 * in the usual table, which is a quarter of what there is to know.
 */
export function fieldsFor(keys: readonly string[]): "row" | undefined {
  const usual = vmColumns(0).filter(({ wide, byNameAlone }) =>
    !wide && !byNameAlone
  ).map(({ key }) => key);
  return keys.every((key) => usual.includes(key.toLowerCase()))
    ? "row"
    : undefined;
}
