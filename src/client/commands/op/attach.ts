/**
 * `usher op attach`: back to work that was left.
 *
 * @module
 */
import { defineCommand } from "../../command.ts";
import { isFailure } from "../../failure.ts";
import { readOperation } from "./show.ts";
import { waitForDrain } from "../../wait_drain.ts";
import { WAIT_FLAGS, waitForRequest } from "../../wait.ts";

export const attach = defineCommand({
  about:
    "Wait again for a request, or for one operation of it, by id or its beginning.",
  words: { usage: "ID", min: 1, max: 1, completes: "operation" },
  flags: WAIT_FLAGS,
  examples: [
    ["usher op attach 01j9z6k3v0", "as the detached command said"],
  ],
  async run(context, { words: [id = ""], flags }) {
    const api = await context.api();
    const operation = await readOperation(api, id).catch((error) => {
      if (isFailure(error, "not_found")) return null;
      throw error;
    });
    if (operation?.verb === "drain") {
      return await waitForDrain(context, api, operation.id, flags);
    }
    const request = operation?.request ?? id;
    return await waitForRequest(
      context,
      api,
      { id: request },
      flags,
      operation === null
        ? undefined
        : (outcome) => outcome.operation === operation.id,
    );
  },
});
