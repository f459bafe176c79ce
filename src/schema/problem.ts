/**
 * The wire form of an error: RFC 9457 with usher's own members.
 *
 * @module
 */
import { z } from "zod";
import { ERROR_CODES, type ErrorCode as Code } from "./error_code.ts";
import { RefusedBy } from "./placement.ts";

export { type CodeMeaning, ERROR_CODES } from "./error_code.ts";

/** One of the closed list of codes. */
export type ErrorCode = Code;
/** One of the closed list of codes. */
export const ErrorCode = z.enum(
  Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]],
);

/** An error on the wire. */
export const Problem = z.object({
  type: z.string().default("about:blank"),
  title: z.string(),
  status: z.int(),
  /** What happened, to what, for people. */
  detail: z.string(),
  code: ErrorCode,
  retry: z.enum(["no", "yes", "later", "look first"]),
  outcome: z.enum(["none", "unknown"]),
  /** What to do about it, where that is known. */
  hint: z.string().optional(),
  /** Which part of the input: `vms[2].spec.memoryMiB`. */
  field: z.string().optional(),
  /** The operation that holds the VM, for `busy`. */
  holder: z.string().optional(),
  /** Which VM or node it is about. */
  subject: z.string().optional(),
  /** Per node, why it could not take the VM; of a large site the nearest to it. */
  refusals: z.record(z.string(), z.string()).optional(),
  /** The same of all nodes, by what is in the way. */
  refusedBy: z.array(RefusedBy).optional(),
});
export type Problem = z.infer<typeof Problem>;
