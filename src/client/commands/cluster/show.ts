/**
 * `usher cluster show`.
 *
 * @module
 */
import { defineCommand } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { FORMAT_FLAG, printShown } from "../../render/output.ts";
import { describeCluster } from "./columns.ts";

export const show = defineCommand({
  about:
    "Show clusters: how many VMs they have, and with whom they are shared. One that is shared with you shows your own share of it alone.",
  words: { usage: "CLUSTERS...", min: 1, max: Infinity, completes: "cluster" },
  flags: FORMAT_FLAG,
  examples: [
    ["usher cluster show web", "your own"],
    ["usher cluster show web.ann", "one that ann shares with you"],
  ],
  async run(context, { words, flags }) {
    const api = await context.api();
    const clusters = await Promise.all(
      words.map((name) => api.call("cluster", { params: { name } })),
    );
    await printShown(context, clusters, flags.output, {
      single: words.length === 1,
      name: ({ name }) => name,
      describe: describeCluster,
    });
    return EXIT.done;
  },
});
