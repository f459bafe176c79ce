/**
 * `usher user list`.
 *
 * @module
 */
import { defineCommand, NO_WORDS } from "../../command.ts";
import { OUTPUT_FLAGS, printRows } from "../../render/output.ts";
import { userColumns } from "./columns.ts";

export const list = defineCommand({
  about:
    "List accounts; for administrators. Who comes from a directory has none: usher session list shows them.",
  words: NO_WORDS,
  flags: OUTPUT_FLAGS,
  examples: [["usher user list", "accounts, and what they own"]],
  async run(context, { flags }) {
    const api = await context.api();
    await printRows(context, {
      read: async () => (await api.call("users")).users,
      columns: userColumns(context.io.now()),
      order: "name",
      name: ({ name }) => name,
      none: "no accounts",
    }, flags);
    return 0;
  },
});
