/**
 * `usher user show`.
 *
 * @module
 */
import type { UserView } from "../../../schema/account.ts";
import { defineCommand } from "../../command.ts";
import { FORMAT_FLAG, printShown } from "../../render/output.ts";
import { describeUser } from "./columns.ts";

export const show = defineCommand({
  about: "Show accounts: your own, and for administrators anybody's.",
  words: { usage: "[NAMES...]", min: 0, max: Infinity, completes: "user" },
  flags: FORMAT_FLAG,
  examples: [
    ["usher user show", "your own"],
    ["usher user show ann", "another's"],
  ],
  async run(context, { words, flags }) {
    const api = await context.api();
    const names = words.length > 0 ? words : [(await api.call("whoami")).user];
    const users: UserView[] = [];
    for (const name of names) {
      users.push(await api.call("user", { params: { name } }));
    }
    await printShown(context, users, flags.output, {
      single: names.length === 1,
      name: ({ name }) => name,
      describe: describeUser,
    });
    return 0;
  },
});
