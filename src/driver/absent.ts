/**
 * What a driver says of a domain that is not there.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { DomainReport } from "./driver.ts";

/** What is said of `uid` when nothing is known of it. */
export function absent(uid: string): DomainReport {
  return {
    uid,
    domain: uid,
    name: "",
    state: "absent",
    reason: "",
    incarnation: null,
    generation: 0,
  };
}

/** What was found for `uid`. Throws `not_found` when that is none. */
export function requireDomain<D>(domain: D | undefined, uid: string): D {
  if (domain !== undefined) return domain;
  throw new UsherError("not_found", `Cannot find domain ${uid}`);
}
