/**
 * `usher op list`.
 *
 * @module
 */
import type { Operation } from "../../../schema/operation.ts";
import { defineCommand, parsed, wholeNumber } from "../../command.ts";
import { age, NOTHING, took } from "../../render/format.ts";
import { OUTPUT_FLAGS, printRows } from "../../render/output.ts";
import type { Column } from "../../render/table.ts";
import { meantState, readListWords } from "../filter.ts";
import { UsageError } from "../../usage.ts";

const MAX_LIMIT = 10_000;

/** schema/operation.ts has them too, and is not loaded for a word. */
const OPERATION_STATES = [
  "pending",
  "running",
  "cancelling",
  "succeeded",
  "failed",
  "cancelled",
];

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
    ...OUTPUT_FLAGS,
  },
  examples: [
    ["usher op list", "the last hundred"],
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
    await printRows(context, {
      read: async () => (await api.call("operations", { query })).operations,
      columns: operationColumns(context.io.now()),
      name: ({ id }) => id,
      none: `no operations${meantState(filter, OPERATION_STATES)}`,
    }, flags);
    return 0;
  },
});

const RED = 31;
const YELLOW = 33;

function operationColumns(now: number): readonly Column<Operation>[] {
  return [
    { key: "id", value: ({ id }) => id },
    { key: "verb", value: ({ verb }) => verb },
    { key: "vm", value: ({ vm }) => vm, shrinks: true },
    { key: "state", value: ({ state }) => state, color: operationColor },
    { key: "step", value: ({ step }) => step ?? NOTHING },
    { key: "node", value: placeOf },
    { key: "user", value: ({ user }) => user },
    {
      key: "age",
      align: "right",
      value: ({ createdAt }) => age(createdAt, now),
      sort: ({ createdAt }) => now - Date.parse(createdAt),
    },
    {
      key: "took",
      align: "right",
      value: (operation) => took(tookMs(operation, now)),
      sort: (operation) => tookMs(operation, now),
    },
    {
      key: "problem",
      shrinks: true,
      value: ({ problem }) => problem?.detail ?? NOTHING,
    },
    { key: "request", wide: true, value: ({ request }) => request },
    {
      key: "waits-for",
      wide: true,
      value: ({ waitsFor }) => waitsFor ?? NOTHING,
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
