/**
 * `sample2`: a plugin of several files, which it imports by relative paths.
 *
 * It counts what it hears of, in its own durable space, and says so in the log.
 *
 * @module
 */
import type { Manifest, Plugin, PluginTools } from "@usher/plugin";
import { count } from "./tally.ts";
import { ordinal } from "./text/ordinal.ts";

/** What this plugin is and asks for. */
export const manifest: Manifest = {
  name: "sample2",
  version: "1.0.0",
  api: 1,
  author: "usher",
  description: "Counts events over restarts, and is made of several files",
  ctx: ["state"],
};

export default ({ definePlugin }: PluginTools): Plugin =>
  definePlugin({
    handlers: {
      async "*"(_args, ctx) {
        const seen = await count(ctx.state, ctx.event);
        ctx.log.info(`the ${ordinal(seen)} ${ctx.event}`);
      },
    },
  });
