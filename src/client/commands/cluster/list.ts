/**
 * `usher cluster list`.
 *
 * @module
 */
import { defineCommand, NO_WORDS } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { OUTPUT_FLAGS, printRows } from "../../render/output.ts";
import { clusterColumns } from "./columns.ts";

export const list = defineCommand({
  about:
    "List clusters: your own and those that are shared with you; for administrators and viewers all.",
  words: NO_WORDS,
  flags: OUTPUT_FLAGS,
  examples: [
    ["usher cluster list", "with how many VMs each has"],
    ["usher cluster list --sort -vms", "the largest first"],
  ],
  async run(context, { flags }) {
    const api = await context.api();
    await printRows(context, {
      read: async () => (await api.call("clusters")).clusters,
      columns: clusterColumns,
      order: "name",
      name: ({ name }) => name,
      none: "no clusters; the first VM of one makes it",
    }, flags);
    return EXIT.done;
  },
});
