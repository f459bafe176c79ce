/**
 * Reading the configuration anew, over the API: what was taken, and what
 * needs a restart.
 *
 * @module
 */
import { z } from "zod";
import { PluginChange } from "./plugin_life.ts";

/** A key that has another value than the one in force. */
export const KeyChange = z.object({
  /** With dots: `drain.parallel`. */
  key: z.string(),
  /** As a file would say them; empty for none. */
  from: z.string(),
  to: z.string(),
});
/** A key that has another value than the one in force. */
export type KeyChange = z.infer<typeof KeyChange>;

/** What reading the configuration anew comes to. */
export const ConfigReloadAnswer = z.object({
  /** What is in force now, or would be when it was only checked. */
  taken: z.array(KeyChange),
  /** What counts only after a restart. */
  needsRestart: z.array(KeyChange),
  plugins: z.array(PluginChange),
  warnings: z.array(z.string()),
});
/** What reading the configuration anew comes to. */
export type ConfigReloadAnswer = z.infer<typeof ConfigReloadAnswer>;
