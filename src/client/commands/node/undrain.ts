/**
 * `usher node undrain`.
 *
 * @module
 */
import type { UndrainAnswer } from "../../../schema/node_operation.ts";
import { defineCommand } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { FORMAT_FLAG, printOne } from "../../render/output.ts";

export const undrain = defineCommand({
  about:
    "Let a node take VMs again. A drain of it that is under way stops; VMs that have left stay where they are.",
  words: { usage: "NODE", min: 1, max: 1, completes: "node" },
  flags: FORMAT_FLAG,
  examples: [["usher node undrain n2", "after its maintenance"]],
  async run(context, { words: [name = ""], flags }) {
    const api = await context.api();
    const answer = await api.call("undrain", { params: { name } });
    await printOne(context, answer, flags.output, {
      name,
      describe: describeAnswer,
    });
    return EXIT.done;
  },
});

function describeAnswer({ node, changed, drain }: UndrainAnswer): string {
  const stopped = drain === null ? "" : `; its drain ${drain} stops`;
  return changed
    ? `${node} takes VMs again${stopped}\n`
    : `${node} took VMs already${stopped}\n`;
}
