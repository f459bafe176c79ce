/**
 * `usher audit head`.
 *
 * @module
 */
import { defineCommand, NO_WORDS } from "../../command.ts";
import { renderFacts } from "../../render/describe.ts";
import { FORMAT_FLAG, printOne } from "../../render/output.ts";

export const head = defineCommand({
  about:
    "Show the newest record's number and hash. Kept where nobody who could edit the log can write, the hash lets usher audit verify --head prove that everything up to it is as it was.",
  words: NO_WORDS,
  flags: FORMAT_FLAG,
  examples: [
    ["usher audit head", "both ends of the log"],
    ["usher audit head -o name", "the hash alone, to be kept"],
  ],
  async run(context, { flags }) {
    const ends = await (await context.api()).call("auditHead");
    await printOne(context, ends, flags.output, {
      name: ends.head.hash,
      describe: ({ head, anchor, bytes }) =>
        renderFacts([
          ["records", `${anchor.seq + 1} to ${head.seq}`],
          ["newest", head.at === "" ? "none" : head.at],
          ["hash", head.hash],
          ["removed", anchor.seq === 0 ? "none" : `up to ${anchor.seq}`],
          ["bytes", String(bytes)],
        ]),
    });
    return 0;
  },
});
