/**
 * `usher quota show`.
 *
 * @module
 */
import { defineCommand } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import { FORMAT_FLAG, printShown } from "../../render/output.ts";
import { describeQuota } from "./columns.ts";

export const show = defineCommand({
  about: "Show quotas of users and clusters; your own when none is named.",
  words: {
    usage: "[USER|CLUSTER.USER...]",
    min: 0,
    max: Infinity,
    completes: "owner",
  },
  flags: FORMAT_FLAG,
  examples: [
    ["usher quota show", "your own"],
    ["usher quota show web.ann", "that of a cluster"],
  ],
  async run(context, { words, flags }) {
    const api = await context.api();
    const named = words.length > 0 ? words : [(await api.call("whoami")).user];
    const quotas = await Promise.all(
      named.map((subject) => api.call("quota", { params: { subject } })),
    );
    await printShown(context, quotas, flags.output, {
      single: named.length === 1,
      name: ({ subject }) => subject,
      describe: describeQuota,
    });
    return EXIT.done;
  },
});
