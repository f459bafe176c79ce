/**
 * The handle: what the driver must remember of a domain, since Xen keeps none
 * of it. It is durable before there is a domain.
 *
 * @module
 */
import { z } from "zod";
import { MoveRecord } from "../carried/record.ts";
import type { DomainPlan } from "../driver.ts";
import { KeptDomain, keptHandles, keptOf } from "../kept_handles.ts";
import type { Layout } from "./layout.ts";
import type { Marker } from "./store.ts";

/** What is kept of one domain. */
export const Handle = KeptDomain.extend({
  version: z.literal(1),
  /** Whether `xl create` is known to have come to its end. */
  created: z.boolean(),
  /** Its migration; null while it is not on the move. */
  move: MoveRecord.nullable(),
});
export type Handle = z.infer<typeof Handle>;

/** The handle of a run that is about to begin. */
export function newHandle(
  plan: DomainPlan,
  bootId: string,
  move: MoveRecord | null = null,
): Handle {
  const kept = keptOf(plan, bootId, plan.spec);
  return { version: 1, ...kept, created: false, move };
}

/** A handle in place of a lost one, as far as a marker tells. */
export function handleOfMarker(marker: Marker, bootId: string): Handle {
  const kept = keptOf(marker, bootId, null);
  return { version: 1, ...kept, created: true, move: null };
}

/** The handles that are kept, and what stood in the way of reading others. */
export function loadHandles(
  { handles }: Pick<Layout, "handles">,
): Promise<{ handles: Handle[]; errors: string[] }> {
  return keptHandles(handles, (data) => Handle.parse(data));
}
