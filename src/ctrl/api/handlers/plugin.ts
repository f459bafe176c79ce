/**
 * Plugins, and the events that were kept for them, as routes.
 *
 * @module
 */
import type { PLUGIN_ROUTES } from "../../../schema/route/plugin.ts";
import { callerStream } from "../caller_stream.ts";
import { type Handler, json } from "../handler.ts";
import { pluginLogs } from "../plugin_logs.ts";
import { recordedEvents, reloadPlugins, shadowPlugin } from "../plugins.ts";

/** Handlers of plugins. */
export const PLUGIN_HANDLERS: Readonly<
  Record<keyof typeof PLUGIN_ROUTES, Handler>
> = {
  plugins: ({ site: { plugins } }) =>
    json({ plugins: plugins.list(), change: plugins.change }),
  plugin: ({ site, param }) => json(site.plugins.show(param("name"))),
  enablePlugin: async ({ site, caller, param }) =>
    json(await site.plugins.turn(param("name"), true, caller.user)),
  disablePlugin: async ({ site, caller, param }) =>
    json(await site.plugins.turn(param("name"), false, caller.user)),
  forgetPlugin: async ({ site, caller, param }) =>
    json(await site.plugins.forget(param("name"), caller.user)),
  shadowPlugin: async ({ site, caller, param, request }) =>
    json(await shadowPlugin(site, caller, param("name"), request)),
  endShadow: async ({ site, caller, param }) =>
    json(await site.plugins.endShadow(param("name"), caller.user)),
  reloadPlugins: async ({ site, caller, request }) =>
    json(await reloadPlugins(site, caller, request)),
  pluginLogs: ({ site, caller, param, url }) =>
    callerStream(site, caller, pluginLogs(site, caller, param("name"), url)),
  recordedEvents: ({ site, caller, url }) =>
    callerStream(site, caller, recordedEvents(site, url)),
};
