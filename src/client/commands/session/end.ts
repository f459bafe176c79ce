/**
 * `usher session end`.
 *
 * @module
 */
import { defineCommand, text } from "../../command.ts";
import { UsageError } from "../../usage.ts";

export const end = defineCommand({
  about:
    "End sessions, and at once what goes on with them: streams and consoles. Your own, and for administrators anybody's.",
  words: { usage: "[IDS...]", min: 0, max: Infinity, completes: "session" },
  flags: {
    user: text("NAME", "all of this user, but the one that asks", {
      completes: "user",
    }),
  },
  examples: [
    ["usher session end --user ann", "all of one user"],
  ],
  async run(context, { words, flags: { user } }) {
    if ((words.length === 0) === (user === undefined)) {
      throw new UsageError(
        "Which sessions are to end is not said, or twice",
        "write ids from usher session list, or --user NAME",
      );
    }
    const api = await context.api();
    const ids = user === undefined
      ? words
      : (await api.call("sessions", { query: { user } })).sessions
        .filter(({ current }) => !current).map(({ id }) => id);
    for (const id of ids) {
      const ended = await api.call("endSession", { params: { id } });
      context.io.stderr.write(`ended ${ended.id} of ${ended.user}\n`);
    }
    if (ids.length === 0) context.io.stderr.write("there was none\n");
    return 0;
  },
});
