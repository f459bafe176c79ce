/**
 * `usher whoami`.
 *
 * @module
 */
import { defineCommand, NO_WORDS } from "../../command.ts";
import { scopeFact } from "../token/scope_fact.ts";
import { renderFacts } from "../../render/describe.ts";
import { FORMAT_FLAG, printOne } from "../../render/output.ts";

export const whoami = defineCommand({
  about: "Show who you are for the controller, what you may, and until when.",
  words: NO_WORDS,
  flags: FORMAT_FLAG,
  examples: [["usher whoami", "who, where, until when"]],
  async run(context, { flags }) {
    const api = await context.api();
    const who = await api.call("whoami");
    await printOne(
      context,
      { ...who, controller: api.controller },
      flags.output,
      {
        name: who.user,
        describe: (who) =>
          renderFacts([
            ["user", who.user],
            ["role", who.role],
            ["controller", who.controller],
            ["site", who.site],
            ["token", who.token?.name ?? null],
            ["for", who.token === null ? null : scopeFact(who.token.scope)],
            [
              who.token === null ? "session ends" : "token ends",
              who.expiresAt.startsWith("9999") ? "never" : who.expiresAt,
            ],
          ]),
      },
    );
    return 0;
  },
});
