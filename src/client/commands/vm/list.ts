/**
 * `usher vm list`.
 *
 * @module
 */
import type { VmView } from "../../../schema/change.ts";
import type { Api } from "../../api.ts";
import { type Context, defineCommand, type FlagValues } from "../../command.ts";
import { failure, isFailure } from "../../failure.ts";
import { printRows, WATCHED_FLAGS } from "../../render/output.ts";
import { type KnownValues, meantValue, readListWords } from "../filter.ts";
import { fieldsFor, vmColumns } from "./columns.ts";
import { VM_STATES } from "./states.ts";

export const list = defineCommand({
  about:
    "List VMs. Words with = are conditions that all must hold; the others are names, globs or beginnings of ids.",
  words: {
    usage: "[key=value,...] [NAMES...]",
    min: 0,
    max: Infinity,
    completes: "vm",
  },
  flags: WATCHED_FLAGS,
  examples: [
    ["usher vm list", "all VMs that you may see"],
    ["usher vm list 'node=n3,state=running'", "those that run on n3"],
    [
      "usher vm list 'web*' -o wide --sort -cpu",
      "with what they use, busiest first",
    ],
    ["usher vm list --watch 'web*'", "as it changes, until Ctrl-C"],
    ["usher vm list -o name state=stopped", "names alone, for a script"],
  ],
  async run(context, { words, flags }) {
    const api = await context.api();
    const { names, filter } = readListWords(words);
    const query = {
      names: names.length === 0 ? undefined : names.join(","),
      filter,
    };
    const lean = { ...query, fields: await fieldsOf(context, flags) };
    const listing = {
      read: async () => (await api.call("vms", { query: lean })).vms,
      stream: () => streamVms(api, lean),
      columns: vmColumns,
      order: "name",
      name: ({ name }: VmView) => name,
      none: async () =>
        words.length === 0
          ? "no VMs; usher vm start NAME makes one"
          : `no such VMs${await meantValue(filter, knownTo(api))}`,
    };
    if (flags.watch) {
      const { watchRows } = await import("../../watch_rows.ts");
      const watching = { kinds: "vm", changeOf };
      return await watchRows(context, api, { ...listing, ...watching }, flags);
    }
    await printRows(context, listing, flags);
    return 0;
  },
});

/** As little of each VM as is printed. */
async function fieldsOf(
  context: Context,
  { output, columns = [], sort = [] }: FlagValues<typeof WATCHED_FLAGS>,
): Promise<"name" | "row" | undefined> {
  const format = output ?? (await context.settings()).output;
  if (format === "name" && sort.length === 0) return "name";
  if (format !== "table") return undefined;
  return fieldsFor([...columns, ...sort.map((key) => key.replace(/^-/, ""))]);
}

/** What a condition on VMs can name. */
function knownTo(api: Api): KnownValues {
  const clusters = async () => (await api.call("clusters")).clusters;
  return {
    state: VM_STATES,
    node: async () => (await api.call("nodes")).nodes.map(({ name }) => name),
    cluster: async () =>
      (await clusters()).map(({ name }) => name.split(".")[0] ?? ""),
    user: async () => (await clusters()).map(({ user }) => user),
  };
}

/** What of a VM is news: not what it uses, which is different at every look. */
function changeOf({ usage: _, ...vm }: VmView): string {
  return JSON.stringify(vm);
}

/** The VMs as they come; a stream that is cut is no short list. */
async function* streamVms(
  api: Api,
  query: Readonly<Record<string, string | undefined>>,
): AsyncGenerator<readonly VmView[], void, void> {
  try {
    yield* api.together("vms", {
      query: { ...query, stream: "1" },
    }) as AsyncGenerator<readonly VmView[], void, void>;
  } catch (error) {
    if (isFailure(error)) throw error;
    throw await failure(
      "interrupted",
      `Lost the connection to ${api.controller} within a list`,
      { cause: error, hint: "the list is not whole; try again" },
    );
  }
}
