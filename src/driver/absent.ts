/**
 * The report of a domain that is not there.
 *
 * @module
 */
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
