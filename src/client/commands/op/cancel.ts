/**
 * `usher op cancel`.
 *
 * @module
 */
import type { Operation } from "../../../schema/operation.ts";
import { defineCommand } from "../../command.ts";
import { FORMAT_FLAG } from "../../render/output.ts";
import { OPERATION_IDS, printOperations } from "./show.ts";

export const cancel = defineCommand({
  about:
    "Ask operations to stop at their next step and to undo what they did. usher op attach shows how that ends.",
  words: OPERATION_IDS,
  flags: FORMAT_FLAG,
  examples: [["usher op cancel 01j9", "by the beginning of its id"]],
  async run(context, { words, flags }) {
    const api = await context.api();
    const cancelled: Operation[] = [];
    for (const id of words) {
      const operation = await api.call("cancel", { params: { id } });
      cancelled.push(operation);
      context.io.stderr.write(
        `${operation.id}: ${operation.verb} of ${operation.vm} is ${operation.state}\n`,
      );
    }
    if (flags.output !== undefined) {
      await printOperations(context, cancelled, flags.output);
    }
    return 0;
  },
});
