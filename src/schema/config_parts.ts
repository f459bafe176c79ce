/**
 * What the configurations of the roles have in common.
 *
 * @module
 */
import { z } from "zod";
import { KINDS_OF_VALUE, SETTINGS } from "./setting.ts";

/** A path from the root of the file system. */
export const AbsolutePath = z.string().startsWith(
  "/",
  "must be a path that begins with /",
).register(KINDS_OF_VALUE, { kind: "absolute path" });

/** What is logged, and how. */
export const LogConfig = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error"]).default("info")
    .register(SETTINGS, {
      about: "From which weight on lines are logged.",
      live: true,
    }),
  format: z.enum(["auto", "human", "json"]).default("auto").register(
    SETTINGS,
    { about: "auto is human on a terminal, and JSON elsewhere." },
  ),
}).prefault({});
