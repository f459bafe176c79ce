/**
 * `usher whoami`.
 *
 * @module
 */
import { defineCommand, NO_WORDS } from "../../command.ts";
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
            ["session ends", who.expiresAt],
          ]),
      },
    );
    return 0;
  },
});
