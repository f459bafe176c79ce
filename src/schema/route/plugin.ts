/**
 * Plugins and what was recorded for them; for administrators.
 *
 * @module
 */
import { z } from "zod";
import { PluginView, ShadowView } from "../plugin.ts";
import {
  ForgetAnswer,
  PluginChangeUnderWay,
  PluginLogLine,
  PluginLogNote,
  ReloadAnswer,
  ReloadRequest,
  ShadowRequest,
} from "../plugin_life.ts";
import { RecordedLine } from "../recorded_event.ts";
import type { Route } from "./kind.ts";

/** Plugins and what was recorded for them. */
export const PLUGIN_ROUTES = {
  plugins: {
    method: "GET",
    path: "/v1/plugins",
    access: "admin",
    summary:
      "Plugins: those that run, those that do not, those there are, and the change of them that is under way",
    response: z.object({
      plugins: z.array(PluginView),
      change: PluginChangeUnderWay.nullable().default(null),
    }),
  },
  plugin: {
    method: "GET",
    path: "/v1/plugins/{name}",
    access: "admin",
    summary: "One plugin",
    response: PluginView,
  },
  enablePlugin: {
    method: "POST",
    path: "/v1/plugins/{name}/enable",
    access: "admin",
    summary:
      "Run a plugin, whatever the configuration says of its being enabled, also after a restart",
    response: PluginView,
  },
  disablePlugin: {
    method: "POST",
    path: "/v1/plugins/{name}/disable",
    access: "admin",
    summary:
      "Run a plugin no more, whatever the configuration says, also after a restart",
    response: PluginView,
  },
  forgetPlugin: {
    method: "POST",
    path: "/v1/plugins/{name}/forget",
    access: "admin",
    summary:
      "Forget the values, scheduled events and timers of a plugin that does not run",
    response: ForgetAnswer,
  },
  shadowPlugin: {
    method: "POST",
    path: "/v1/plugins/{name}/shadow",
    access: "admin",
    summary:
      "Run another version beside a plugin and only compare, for so long or until plugins are read anew",
    request: ShadowRequest,
    response: PluginView,
  },
  endShadow: {
    method: "POST",
    path: "/v1/plugins/{name}/shadow/end",
    access: "admin",
    summary: "End what runs beside a plugin, and say how it has answered",
    response: ShadowView,
  },
  reloadPlugins: {
    method: "POST",
    path: "/v1/plugins/reload",
    access: "admin",
    summary:
      "Read the configuration of plugins and all plugins anew: either all of it is taken, or nothing",
    request: ReloadRequest,
    response: ReloadAnswer,
  },
  pluginLogs: {
    method: "GET",
    path: "/v1/plugins/{name}/logs",
    access: "admin",
    summary: "The last lines that a plugin said",
    query: {
      limit: "how many of those that are kept, 100 by default",
      follow: "1 goes on with new ones, with a beat every few seconds",
      after:
        "of a stream that is followed: RUN/NUMBER of the last line that was read, instead of the limit",
    },
    response: z.union([PluginLogLine, PluginLogNote]),
    stream: "ndjson",
  },
  recordedEvents: {
    method: "GET",
    path: "/v1/recorded-events",
    access: "admin",
    summary: "Events that were recorded, oldest first, with what was answered",
    query: { since: "a moment, ISO 8601; everything that is kept by default" },
    response: RecordedLine,
    stream: "ndjson",
  },
} as const satisfies Readonly<Record<string, Route>>;
