/**
 * Configuration of the command line, as cli.yaml holds it.
 *
 * @module
 */
import { z } from "zod";
import { SETTINGS } from "./setting.ts";

/** Configuration of the command line. */
export const CliConfig = z.strictObject({
  controller: z.url().optional().register(SETTINGS, {
    about: "The controller. Without it: the one of the last usher login.",
    example: "https://usher.example.org:8440",
  }),
  ca_file: z.string().optional().register(SETTINGS, {
    about:
      "The CA of the site, a PEM file. usher login keeps it with the session otherwise.",
    example: "/etc/usher/ca.pem",
    type: "path",
  }),
  credentials: z.string().optional().register(SETTINGS, {
    about: "Where usher login keeps sessions.",
    example: "~/.usher/credentials.json",
    type: "path",
  }),
  output: z.enum(["table", "wide", "json", "ndjson", "yaml", "name"]).default(
    "table",
  ).register(SETTINGS, { about: "How lists look." }),
  hist_len: z.int().min(0).max(1_000_000).optional().register(SETTINGS, {
    about:
      "How many lines of history ush keeps between runs; 1000 without it, 0 keeps none.",
    example: "1000",
  }),
});
/** Configuration of the command line. */
export type CliConfig = z.infer<typeof CliConfig>;
