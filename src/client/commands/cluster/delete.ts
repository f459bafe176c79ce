/**
 * `usher cluster delete`.
 *
 * @module
 */
import { defineCommand } from "../../command.ts";
import { EXIT } from "../../exit.ts";

export const remove = defineCommand({
  about:
    "Forget clusters that have no VMs, with whom they are shared. One that has VMs is refused: usher cluster destroy ends those first, so that no VM goes by a slip. Quotas that were set for it stay.",
  words: { usage: "CLUSTERS...", min: 1, max: Infinity, completes: "cluster" },
  flags: {},
  examples: [["usher cluster delete web", "once its VMs are destroyed"]],
  async run(context, { words }) {
    const api = await context.api();
    for (const name of words) {
      const { cluster } = await api.call("deleteCluster", { params: { name } });
      context.io.stderr.write(`${cluster.name} deleted\n`);
    }
    return EXIT.done;
  },
});
