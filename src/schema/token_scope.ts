/**
 * What an API token may do of what its owner may: the scope that it is made with.
 *
 * A scope only takes away. It stands beside the owner's role, which is looked up
 * at every call, so a token never has more than its owner has now.
 *
 * @module
 */
import { z } from "zod";
import { Verb } from "./operation.ts";

/** What of a VM a token may be made for: verbs of requests, and the console. */
export const ScopeVerb = z.enum([...Verb.options, "console"]);
/** What of a VM a token may be made for. */
export type ScopeVerb = z.infer<typeof ScopeVerb>;

/**
 * `read` looks, `act` does all that its owner may except administering the
 * site, `admin` does that too.
 */
export const TokenAccess = z.enum(["read", "act", "admin"]);
/** What a token may do at most. */
export type TokenAccess = z.infer<typeof TokenAccess>;

/** A pattern over names of VMs; of one label VM, of two with its cluster, of three full. */
const VmPattern = z.string().regex(
  /^[a-z0-9*?[\]!-]{1,63}(\.[a-z0-9*?[\]!-]{1,63}){0,2}$/,
  "must be a pattern of VM names, such as web-*, *.lab or *.lab.ann",
);

/** The scope of a token. */
export const TokenScope = z.object({
  access: TokenAccess,
  /** The only verbs that it may ask for; all when null. */
  verbs: z.array(ScopeVerb).min(1).max(ScopeVerb.options.length).nullable()
    .default(null),
  /** The only VMs that it sees and touches; all of its owner when null. */
  vms: z.array(VmPattern).min(1).max(50).nullable().default(null),
}).superRefine(({ access, verbs, vms }, context) => {
  if (verbs !== null && access !== "act") {
    context.addIssue({
      code: "custom",
      path: ["verbs"],
      message: `cannot be named for access "${access}": only "act" has verbs`,
    });
  }
  if (vms !== null && access === "admin") {
    context.addIssue({
      code: "custom",
      path: ["vms"],
      message: 'cannot be named for access "admin", which reaches all',
    });
  }
}).readonly();
/** The scope of a token. */
export type TokenScope = z.infer<typeof TokenScope>;

/**
 * What a route needs of a token: to look, to ask for a verb that it is for, to
 * act without limits, to administer; `never` is for sessions alone.
 */
export type TokenNeed = "read" | "verb" | "act" | "admin" | "never";
