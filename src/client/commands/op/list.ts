/**
 * `usher op list`.
 *
 * @module
 */
import type { NodeOperation } from "../../../schema/node_operation.ts";
import type { Operation } from "../../../schema/operation.ts";
import type { Api } from "../../api.ts";
import { isFailure } from "../../failure.ts";
import { defineCommand, parsed, wholeNumber } from "../../command.ts";
import { age, NOTHING, took } from "../../render/format.ts";
import { printRows, WATCHED_FLAGS } from "../../render/output.ts";
import type { Column } from "../../render/table.ts";
import { meantValue, readListWords } from "../filter.ts";
import { UsageError } from "../../usage.ts";
import { VERB_WORDS } from "../vm/states.ts";

const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 100;

/** schema/operation.ts has them too, and is not loaded for a word. */
const OPERATION_STATES = [
  "pending",
  "running",
  "cancelling",
  "succeeded",
  "failed",
  "cancelled",
];

const KNOWN = { state: OPERATION_STATES, verb: VERB_WORDS };

export const list = defineCommand({
  about:
    "List operations, newest first. Words are conditions that all must hold.",
  words: {
    usage: "[key=value,...]",
    min: 0,
    max: Infinity,
    completes: "none",
    choices: ["state=running", "state=pending", "state=failed", "verb=start"],
  },
  flags: {
    limit: parsed(
      "N",
      "how many at most, 100 by default",
      wholeNumber("number of operations", { min: 1, max: MAX_LIMIT }),
    ),
    ...WATCHED_FLAGS,
  },
  examples: [
    ["usher op list", "the last hundred"],
    ["usher op list --watch state=running", "what is at work, until Ctrl-C"],
    ["usher op list 'vm=web*,state=failed'", "what went wrong with web"],
  ],
  async run(context, { words, flags }) {
    const { names, filter } = readListWords(words);
    if (names.length > 0) {
      throw new UsageError(
        `"${names[0]}" is no condition`,
        `write vm=${names[0]}, or usher op show ${names[0]}`,
      );
    }
    const api = await context.api();
    const query = { filter, limit: flags.limit?.toString() };
    const listing = {
      read: async () => await readAll(api, query),
      columns: operationColumns,
      name: ({ id }: Row) => id,
      none: async () => `no operations${await meantValue(filter, KNOWN)}`,
    };
    if (flags.watch) {
      const { watchRows } = await import("../../watch_rows.ts");
      const kinds = "operation,node-operation";
      const watching = { kinds, changeOf: (row: Row) => JSON.stringify(row) };
      return await watchRows(context, api, { ...listing, ...watching }, flags);
    }
    await printRows(context, listing, flags);
    return 0;
  },
});

const RED = 31;
const YELLOW = 33;

/** An operation on a VM, or on a whole node. */
type Row = Operation | NodeOperation;

/** Both kinds, newest first; an older controller has but one. */
async function readAll(
  api: Api,
  query: Readonly<Record<string, string | undefined>>,
): Promise<Row[]> {
  const [{ operations }, onNodes] = await Promise.all([
    api.call("operations", { query }),
    api.call("nodeOperations", { query }).catch((error) => {
      if (isFailure(error, "not_found")) return { operations: [] };
      throw error;
    }),
  ]);
  const all: Row[] = [...operations, ...onNodes.operations];
  return all.sort((a, b) => a.id < b.id ? 1 : -1)
    .slice(0, Number(query["limit"] ?? DEFAULT_LIMIT));
}

function stepOf(row: Row): string {
  if ("vm" in row) return row.step ?? NOTHING;
  return `${row.moved}/${row.total}`;
}

function operationColumns(now: number): readonly Column<Row>[] {
  return [
    { key: "id", value: ({ id }) => id },
    { key: "verb", value: ({ verb }) => verb },
    {
      key: "vm",
      value: (row) => "vm" in row ? row.vm : `(node ${row.node})`,
      shrinks: true,
    },
    { key: "state", value: ({ state }) => state, color: operationColor },
    { key: "step", value: stepOf, leavesFirst: true },
    { key: "node", value: placeOf, leavesFirst: true },
    { key: "user", value: ({ user }) => user, leavesFirst: true },
    {
      key: "age",
      leavesFirst: true,
      align: "right",
      value: ({ createdAt }) => age(createdAt, now),
      sort: ({ createdAt }) => now - Date.parse(createdAt),
    },
    {
      key: "took",
      leavesFirst: true,
      align: "right",
      value: (operation) => took(tookMs(operation, now)),
      sort: (operation) => tookMs(operation, now),
    },
    {
      key: "problem",
      shrinks: true,
      value: ({ problem }) => problem?.detail ?? NOTHING,
    },
    {
      key: "request",
      wide: true,
      value: (row) => "vm" in row ? row.request : NOTHING,
    },
    {
      key: "waits-for",
      wide: true,
      value: (row) => "vm" in row ? row.waitsFor ?? NOTHING : NOTHING,
    },
  ];
}

/** Where an operation works: a node, or from one to another. */
export function placeOf({ node, from, to }: Operation): string {
  return to === null ? node ?? NOTHING : `${from ?? NOTHING} → ${to}`;
}

function operationColor(state: string): number | undefined {
  if (state === "failed") return RED;
  return state === "succeeded" ? undefined : YELLOW;
}

/** How long an operation took, or takes already. */
export function tookMs(
  { createdAt, endedAt }: Pick<Operation, "createdAt" | "endedAt">,
  now: number,
): number {
  return (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(createdAt);
}
