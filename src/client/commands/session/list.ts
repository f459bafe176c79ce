/**
 * `usher session list`.
 *
 * @module
 */
import type { SessionView } from "../../../schema/account.ts";
import { defineCommand, NO_WORDS, text } from "../../command.ts";
import { age, NOTHING } from "../../render/format.ts";
import { OUTPUT_FLAGS, printRows } from "../../render/output.ts";
import type { Column } from "../../render/table.ts";
import { noSuchUser } from "../filter.ts";

export const list = defineCommand({
  about:
    "List sessions that go on: your own, and for administrators everybody's, also of those whom a directory let in and who have no account.",
  words: NO_WORDS,
  flags: {
    user: text("NAME", "only those of this user", { completes: "user" }),
    ...OUTPUT_FLAGS,
  },
  examples: [
    ["usher session list", "who has logged in, from where, until when"],
    ["usher session list --user ann", "one user's"],
  ],
  async run(context, { flags }) {
    const api = await context.api();
    const { user } = flags;
    await printRows(context, {
      read: async () =>
        (await api.call("sessions", { query: { user } })).sessions,
      columns: columnsAt(context.io.now()),
      order: "user",
      name: ({ id }) => id,
      none: async () => `no sessions${await noSuchUser(api, user)}`,
    }, flags);
    return 0;
  },
});

function columnsAt(now: number): readonly Column<SessionView>[] {
  return [
    {
      key: "id",
      value: ({ id, current }) => current ? `${id} (this one)` : id,
    },
    { key: "user", value: ({ user }) => user },
    { key: "role", value: ({ role }) => role },
    { key: "from", value: ({ address }) => address || NOTHING },
    {
      key: "age",
      align: "right",
      value: ({ createdAt }) => age(createdAt, now),
      sort: ({ createdAt }) => createdAt,
    },
    {
      key: "connected",
      value: ({ connected }) => connected ? "yes" : "no",
    },
    { key: "ends", value: ({ expiresAt }) => expiresAt },
    {
      key: "by",
      wide: true,
      value: ({ directory }) => directory ? "directory" : "account",
    },
  ];
}
