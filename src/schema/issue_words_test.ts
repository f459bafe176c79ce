import { strictEqual } from "node:assert/strict";
import { z } from "zod";
import { inWords } from "./issue_words.ts";

/** What is said of `value` by `schema`. */
function said(schema: z.ZodType, value: unknown): string {
  return inWords(schema.safeParse(value).error?.issues[0]?.message ?? "");
}

Deno.test("inWords() says in people's words what zod says in its own", () => {
  const cases: [z.ZodType, unknown, string][] = [
    [z.array(z.string()), "a", "must be a list, and is text"],
    [z.string(), 8440, "must be text, and is a number"],
    [z.boolean(), undefined, "must be true or false, and is missing"],
    [z.object({}), null, "must be keys with values, and is nothing"],
    [z.int(), 1.5, "must be a whole number, and is a number"],
    [z.literal("on"), "off", "must be on"],
    [z.enum(["on", "off"]), "of", "must be one of on, off"],
    [z.number().max(5), 6, "must be 5 at most"],
    [z.number().min(5), 4, "must be 5 at least"],
    [z.string().max(3), "four", "must have 3 characters at most"],
    [z.array(z.string()).min(1), [], "must have 1 items at least"],
    [z.string().regex(/^a/, "must begin with a"), "b", "must begin with a"],
  ];
  for (const [schema, value, expected] of cases) {
    strictEqual(said(schema, value), expected);
  }
});
