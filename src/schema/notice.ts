/**
 * What everybody who uses a site should hear of before it happens: it goes
 * along with every answer, in a header, and stands in the controller's log.
 *
 * @module
 */
import { z } from "zod";

/** The header that carries notices: their JSON, percent-encoded. */
export const NOTICE_HEADER = "usher-notice";

/** One thing that will go wrong, or has. */
export const Notice = z.object({
  /** What it is about. */
  about: z.enum(["certificate"]),
  text: z.string(),
  /** What to do about it. */
  hint: z.string(),
});
/** One thing that will go wrong, or has. */
export type Notice = z.infer<typeof Notice>;
