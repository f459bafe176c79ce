/**
 * The rule that no start undoes a newer one.
 *
 * A start may come late: it waited in a queue, or its sender was cut off. By
 * then the VM may have been taken over by another node and come back, so a
 * driver that knows of a newer generation refuses an older one.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { DomainPlan } from "./driver.ts";

/** Throws `stale` when the driver knows a newer generation of `plan`'s domain; `known` is undefined when it knows none. */
export function refuseOlder(
  { name, uid, generation }: DomainPlan,
  known: number | undefined,
): void {
  if (known === undefined || generation >= known) return;
  throw new UsherError(
    "stale",
    `Cannot start VM "${name}": this node knows generation ${known} of it, and was asked for ${generation}`,
    {
      hint: `look with "usher vm show ${name}", and start it again`,
      subject: uid,
    },
  );
}
