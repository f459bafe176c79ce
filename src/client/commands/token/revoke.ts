/**
 * `usher token revoke`.
 *
 * @module
 */
import { defineCommand, text } from "../../command.ts";

export const revoke = defineCommand({
  about:
    "End API tokens, named or by id, and at once what goes on with them: streams and consoles.",
  words: { usage: "NAMES...", min: 1, max: Infinity, completes: "token" },
  flags: {
    user: text("NAME", "whose they are; yours by default", {
      completes: "user",
    }),
  },
  examples: [
    ["usher token revoke ci", "one of your own"],
    ["usher token revoke ci --user ann", "as an administrator"],
  ],
  async run(context, { words, flags: { user } }) {
    const api = await context.api();
    for (const id of words) {
      const ended = await api.call("revokeToken", {
        params: { id },
        query: { user },
      });
      context.io.stderr.write(`revoked "${ended.name}" of ${ended.user}\n`);
    }
    return 0;
  },
});
