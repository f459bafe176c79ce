/**
 * Checks of a plugin: calls of its handlers, and what should come of each.
 * They stand in `checks.yaml` beside the plugin, and `usher plugin check` runs
 * them.
 *
 * @module
 */
import { z } from "zod";
import { AnyEventName } from "./any_event.ts";

/** One call, and what should come of it. */
export const PluginCheck = z.strictObject({
  /** What is checked, in a few words. */
  name: z.string().min(1).max(200).optional(),
  event: AnyEventName,
  /** Over examples of what the event carries, key by key. */
  args: z.array(z.unknown()).max(16).default([]),
  /** Over the options of all checks. */
  options: z.record(z.string(), z.unknown()).default({}),
  /** What the arguments that come back must hold; `null` where nothing may. */
  answer: z.array(z.unknown()).max(16).nullable().optional(),
  /** Refused, for a reason with this text in it. */
  refused: z.string().optional(),
  /** Logged: a line with this text in it. */
  logs: z.string().optional(),
  /** Filed: requests of these verbs, in this order. */
  requests: z.array(z.string()).optional(),
});
/** One call, and what should come of it. */
export type PluginCheck = z.infer<typeof PluginCheck>;

/** The checks of one plugin. */
export const PluginChecks = z.strictObject({
  options: z.record(z.string(), z.unknown()).default({}),
  checks: z.array(PluginCheck).default([]),
});
/** The checks of one plugin. */
export type PluginChecks = z.infer<typeof PluginChecks>;
