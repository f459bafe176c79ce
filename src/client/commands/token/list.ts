/**
 * `usher token list`.
 *
 * @module
 */
import type { TokenView } from "../../../schema/account.ts";
import { defineCommand, NO_WORDS, text } from "../../command.ts";
import { age, NOTHING } from "../../render/format.ts";
import { OUTPUT_FLAGS, printRows } from "../../render/output.ts";
import type { Column } from "../../render/table.ts";
import { noSuchUser } from "../filter.ts";
import { scopeFact } from "./scope_fact.ts";

export const list = defineCommand({
  about:
    "List API tokens: your own, and for administrators everybody's. What a token is called with is not shown.",
  words: NO_WORDS,
  flags: {
    user: text("NAME", "only those of this account", { completes: "user" }),
    ...OUTPUT_FLAGS,
  },
  examples: [
    ["usher token list", "what they are for, and when they were last used"],
    ["usher token list --sort last-used", "those that nobody uses first"],
  ],
  async run(context, { flags }) {
    const api = await context.api();
    const { user } = flags;
    await printRows(context, {
      read: async () => (await api.call("tokens", { query: { user } })).tokens,
      columns: columnsAt(context.io.now()),
      order: "user",
      name: ({ name }) => name,
      none: async () =>
        `no API tokens; usher token create makes one${await noSuchUser(
          api,
          user,
        )}`,
    }, flags);
    return 0;
  },
});

function columnsAt(now: number): readonly Column<TokenView>[] {
  return [
    { key: "name", value: ({ name }) => name },
    { key: "user", value: ({ user }) => user },
    { key: "for", shrinks: true, value: ({ scope }) => scopeFact(scope) },
    {
      key: "age",
      align: "right",
      value: ({ createdAt }) => age(createdAt, now),
      sort: ({ createdAt }) => createdAt,
    },
    {
      key: "last-used",
      value: ({ lastUsedAt }) =>
        lastUsedAt === null ? "never" : `${age(lastUsedAt, now)} ago`,
      sort: ({ lastUsedAt }) => lastUsedAt ?? "",
    },
    {
      key: "ends",
      value: ({ expiresAt }) => expiresAt?.slice(0, 10) ?? NOTHING,
      sort: ({ expiresAt }) => expiresAt ?? "9999",
    },
    { key: "id", wide: true, value: ({ id }) => id },
  ];
}
