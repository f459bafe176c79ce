/**
 * Configuration of the shell, as ush.yaml holds it: its own keys, and a section
 * that goes over cli.yaml for whatever runs within it.
 *
 * @module
 */
import { z } from "zod";
import { CliConfig } from "./cli_config.ts";
import { SETTINGS } from "./setting.ts";

/** What may be said over cli.yaml: nothing of it has a default, which would hide what that says. */
const CliSection = CliConfig.omit({ output: true, hist_len: true }).extend({
  output: CliConfig.shape.output.unwrap().optional().register(SETTINGS, {
    about: "How lists look.",
    example: "wide",
  }),
});

/** What goes over cli.yaml. */
export type CliSection = z.infer<typeof CliSection>;

/** Configuration of ush. */
export const UshConfig = z.strictObject({
  hist_len: z.int().min(0).max(1_000_000).optional().register(SETTINGS, {
    about:
      "How many lines of history are kept between runs; what cli.yaml says without it, and 1000 where that says nothing. 0 keeps none.",
    example: "1000",
  }),
  details: z.boolean().default(false).register(SETTINGS, {
    about:
      "Whether errors and notifications show all that is known; set details changes it for a run.",
  }),
  notify: z.enum(["own", "all", "none"]).default("own").register(SETTINGS, {
    about:
      "Whose changes are told between prompts; set notify changes it for a run.",
  }),
  cli: CliSection.optional().register(SETTINGS, {
    about:
      "What holds within ush instead of what cli.yaml says: another controller, another form of output.",
  }),
});
/** Configuration of ush. */
export type UshConfig = z.infer<typeof UshConfig>;
