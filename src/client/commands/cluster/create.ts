/**
 * `usher cluster create`.
 *
 * @module
 */
import { defineCommand } from "../../command.ts";
import { EXIT } from "../../exit.ts";

export const create = defineCommand({
  about:
    "Make empty clusters. The first VM of a cluster makes it, too; this is for sharing one before there are VMs. One that is there stays as it is.",
  words: { usage: "CLUSTERS...", min: 1, max: Infinity, completes: "none" },
  flags: {},
  examples: [
    ["usher cluster create web", "a cluster of your own"],
    ["usher cluster create web.ann", "ann's; for administrators"],
  ],
  async run(context, { words }) {
    const api = await context.api();
    for (const name of words) {
      const { cluster, changed } = await api.call("createCluster", {
        body: { name },
      });
      const what = changed ? "made" : "is there already";
      context.io.stderr.write(`${cluster.name} ${what}\n`);
    }
    return EXIT.done;
  },
});
