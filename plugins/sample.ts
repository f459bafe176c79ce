/**
 * `sample`: shows what a plugin is made of, and does no more than log.
 *
 * It declares an event of its own, `sample_event`, and has it fired five seconds
 * after each event that it hears of. It asks the controller to do so and does
 * not wait itself: what is scheduled also comes after a restart.
 *
 * @module
 */
import type { Manifest, Plugin, PluginTools } from "@usher/plugin";

/** What this plugin is, asks for and declares. */
export const manifest: Manifest = {
  name: "sample",
  version: "1.0.0",
  api: 1,
  author: "usher",
  description: "Logs on its events, and fires one of its own 5 s later",
  ctx: ["fire", "schedule"],
  events: { sample_event: "So long after an event that sample was told of." },
};

export default ({ definePlugin, z, duration }: PluginTools): Plugin =>
  definePlugin({
    options: z.strictObject({
      greeting: z.string().max(200).default("hello"),
      delay: duration.prefault("5s"),
    }),
    handlers: {
      // Its own event has a handler of its own, or it would never end.
      sample_event([cause]: [string], ctx) {
        ctx.log.info(`${ctx.options.greeting} again, after ${cause}`);
      },
      async "*"(args, ctx) {
        const subject = args[0]?.name ?? args[0]?.user ?? "nothing";
        ctx.log.info(`${ctx.options.greeting}, ${ctx.event} of ${subject}`);
        const { delay } = ctx.options;
        // By the decision, so that a call made again schedules nothing twice.
        await ctx.schedule.at(delay, "sample_event", [ctx.event], ctx.decision);
      },
    },
  });
