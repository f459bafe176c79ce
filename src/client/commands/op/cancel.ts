/**
 * `usher op cancel`.
 *
 * @module
 */
import { defineCommand } from "../../command.ts";
import { FORMAT_FLAG } from "../../render/output.ts";
import { OPERATION_IDS, printOperation } from "./show.ts";

export const cancel = defineCommand({
  about:
    "Ask operations to stop at their next step and to undo what they did. usher op attach shows how that ends.",
  words: OPERATION_IDS,
  flags: FORMAT_FLAG,
  examples: [["usher op cancel 01j9", "by the beginning of its id"]],
  async run(context, { words, flags }) {
    const api = await context.api();
    for (const id of words) {
      const operation = await api.call("cancel", { params: { id } });
      if (flags.output !== undefined) {
        await printOperation(context, operation, flags.output);
      } else {
        context.io.stderr.write(
          `${operation.id}: ${operation.verb} of ${operation.vm} is ${operation.state}\n`,
        );
      }
    }
    return 0;
  },
});
