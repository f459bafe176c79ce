/**
 * `usher node token`.
 *
 * @module
 */
import { defineCommand, parsed } from "../../command.ts";
import { readDuration } from "../../quantity.ts";
import { labelOf } from "../../label.ts";
import { FORMAT_FLAG, printOne } from "../../render/output.ts";

export const token = defineCommand({
  about:
    "Make a token with which one node may join. It works once, and is a secret until then.",
  words: { usage: "", min: 0, max: 0, completes: "none" },
  flags: {
    node: parsed("NAME", "the only node that may use it", labelOf("node")),
    ttl: parsed("DUR", "how long it is good for, 1d by default", readDuration),
    ...FORMAT_FLAG,
  },
  examples: [
    ["usher node token", "then, on the new machine: usher lnm --join TOKEN"],
    ["usher node token --node n7 --ttl 1h", "for n7 alone, for an hour"],
  ],
  async run(context, { flags }) {
    const api = await context.api();
    const answer = await api.call("nodeToken", {
      body: {
        ...(flags.node === undefined ? {} : { node: flags.node }),
        ...(flags.ttl === undefined ? {} : { ttlMs: flags.ttl }),
      },
    });
    await printOne(context, answer, flags.output, {
      name: answer.token,
      describe: ({ token }) => `${token}\n`,
    });
    if (context.io.stdout.isTerminal) {
      context.io.stderr.write(
        `on the new machine: usher lnm --join TOKEN (until ${answer.expiresAt})\n`,
      );
    }
    return 0;
  },
});
