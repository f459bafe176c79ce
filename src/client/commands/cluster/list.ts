/**
 * `usher cluster list`.
 *
 * @module
 */
import type { ClusterView } from "../../../schema/cluster.ts";
import { defineCommand, NO_WORDS } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { printRows, WATCHED_FLAGS } from "../../render/output.ts";
import { clusterColumns } from "./columns.ts";

export const list = defineCommand({
  about:
    "List clusters: your own and those that are shared with you; for administrators and viewers all.",
  words: NO_WORDS,
  flags: WATCHED_FLAGS,
  examples: [
    ["usher cluster list", "with how many VMs each has"],
    ["usher cluster list --watch", "as they change, until Ctrl-C"],
    ["usher cluster list --sort -vms", "the largest first"],
  ],
  async run(context, { flags }) {
    const api = await context.api();
    const listing = {
      read: async () => (await api.call("clusters")).clusters,
      columns: clusterColumns,
      order: "name",
      name: ({ name }: ClusterView) => name,
      none: "no clusters; the first VM of one makes it",
    };
    if (flags.watch) {
      const { watchRows } = await import("../../watch_rows.ts");
      // A VM that comes or goes is counted in its cluster.
      const watching = { kinds: "cluster,vm", changeOf: JSON.stringify };
      return await watchRows(context, api, { ...listing, ...watching }, flags);
    }
    await printRows(context, listing, flags);
    return EXIT.done;
  },
});
