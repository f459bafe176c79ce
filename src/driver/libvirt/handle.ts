/**
 * The handle: what the driver must remember of a domain beside what libvirt
 * does.
 *
 * It is durable before libvirt hears of the domain. libvirt's copy of usher's
 * mark (`domain_xml.ts`) stands in for one that was lost, and the handle for a
 * domain that somebody has undefined.
 *
 * @module
 */
import { z } from "zod";
import type { DomainPlan } from "../driver.ts";
import { KeptDomain, keptHandles, keptOf } from "../kept_handles.ts";
import type { Mark } from "./domain_xml.ts";
import type { Layout } from "./layout.ts";
import { LibvirtMove } from "./migration/record.ts";

/** Version 1 is the first. */
export const Handle = KeptDomain.extend({
  version: z.literal(1),
  /** The UUID of a domain that usher has adopted; of its own it follows from the uid. */
  uuid: z.string().optional(),
  /** Its own definition, and whether libvirt knew it also while it was off; absent for one of usher's making. */
  adopted: z.object({ definition: z.string(), persistent: z.boolean() })
    .optional(),
  /** Its migration; null while it is not on the move. */
  move: LibvirtMove.nullable().default(null),
});
export type Handle = z.infer<typeof Handle>;

/** The handle of a run that is about to begin. */
export function newHandle(plan: DomainPlan, bootId: string): Handle {
  return { version: 1, ...keptOf(plan, bootId, plan.spec), move: null };
}

/** A handle in place of a lost one, as far as the domain's mark tells. */
export function handleOfMark(mark: Mark, bootId: string): Handle {
  return { version: 1, ...keptOf(mark, bootId, null), move: null };
}

/** The mark that goes with a handle. */
export function markOf(
  { uid, name, generation, incarnation }: Handle,
  { home }: Layout,
): Mark {
  return { uid, name, generation, incarnation, home };
}

/** The handles that are kept, and what stood in the way of reading others. */
export function loadHandles(
  { handles }: Pick<Layout, "handles">,
): Promise<{ handles: Handle[]; errors: string[] }> {
  return keptHandles(handles, (data) => Handle.parse(data));
}
