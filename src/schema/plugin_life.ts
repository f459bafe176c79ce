/**
 * The life of a plugin, as administrators see it: what it said, what a reload
 * changed, who turned it on or off.
 *
 * @module
 */
import { z } from "zod";
import { PluginName } from "./plugin.ts";

/** A line that a plugin logged, or wrote where it should not. */
export const PluginLogLine = z.object({
  /** Counts the lines of one plugin; a gap is lines that were dropped. */
  number: z.int().nonnegative(),
  at: z.string(),
  level: z.enum(["debug", "info", "warn", "error"]),
  /** Whose handler said it; null when it came from nowhere. */
  event: z.string().nullable(),
  text: z.string(),
  fields: z.record(z.string(), z.unknown()),
});
/** A line that a plugin logged, or wrote where it should not. */
export type PluginLogLine = z.infer<typeof PluginLogLine>;

/** What else comes while the lines of a plugin are followed. */
export const PluginLogNote = z.discriminatedUnion("type", [
  /** The first: whose numbers those of the lines are; a controller that was started anew has another. */
  z.object({ type: z.literal("hello"), run: z.int().nonnegative() }),
  /** Nothing was said for a while. */
  z.object({ type: z.literal("beat") }),
  /** The last one, and whether coming back may help. */
  z.object({
    type: z.literal("bye"),
    reason: z.string(),
    resume: z.boolean(),
  }),
]);
/** What else comes while the lines of a plugin are followed. */
export type PluginLogNote = z.infer<typeof PluginLogNote>;

/** What becomes of one plugin when the set is read anew. */
export const PluginChange = z.object({
  name: PluginName,
  change: z.enum(["added", "removed", "changed", "same"]),
  /** SHA-256 of the files before and after; null where there is none. */
  from: z.string().nullable(),
  to: z.string().nullable(),
  /** What it gets that it did not have, and the other way round: `+ net 10.0.0.1:53`. */
  grants: z.array(z.string()),
});
/** What becomes of one plugin when the set is read anew. */
export type PluginChange = z.infer<typeof PluginChange>;

/** A reload that is asked for. */
export const ReloadRequest = z.strictObject({
  /** Reads and starts everything, tells what would change, and changes nothing. */
  check: z.boolean().default(false),
});

/** No timer waits for longer than some 24 days. */
const MAX_SHADOW_MS = 21 * 86_400_000;

/** A version that is to run beside the one that is registered. */
export const ShadowRequest = z.strictObject({
  /** A file or folder on the controller's machine. */
  path: z.string().startsWith("/").max(4096),
  /** It ends by itself after so long; with the next reading of plugins when absent. */
  forMs: z.int().min(1).max(MAX_SHADOW_MS).optional(),
});

/** A version that is to run beside the one that is registered. */
export type ShadowRequest = z.infer<typeof ShadowRequest>;

/** What a reload changed. */
export const ReloadAnswer = z.object({
  changes: z.array(PluginChange),
  /** What was asked and not granted, and the like: it works, and may surprise. */
  warnings: z.array(z.string()),
});
/** What a reload changed. */
export type ReloadAnswer = z.infer<typeof ReloadAnswer>;

/** A change of the plugins that goes on, and what it waits for. */
export const PluginChangeUnderWay = z.object({
  /** `check` changes nothing. */
  doing: z.enum(["reload", "check", "enable", "disable"]),
  by: z.string(),
  since: z.string(),
  /** Plugins that are being read or started. */
  waitsFor: z.array(z.string()),
});
/** A change of the plugins that goes on, and what it waits for. */
export type PluginChangeUnderWay = z.infer<typeof PluginChangeUnderWay>;

/** What was forgotten of a plugin. */
export const ForgetAnswer = z.object({
  plugin: PluginName,
  /** Values of its own that it kept. */
  values: z.int().nonnegative(),
  /** Events that it had scheduled. */
  scheduled: z.int().nonnegative(),
});
/** What was forgotten of a plugin. */
export type ForgetAnswer = z.infer<typeof ForgetAnswer>;

/** What a plugin was turned on or off by, over what the configuration says. */
export const PluginSwitch = z.object({
  v: z.literal(1),
  name: PluginName,
  enabled: z.boolean(),
  by: z.string(),
  at: z.string(),
}).readonly();
/** What a plugin was turned on or off by, over what the configuration says. */
export type PluginSwitch = z.infer<typeof PluginSwitch>;
