/**
 * The handle: what the driver must remember of a domain, since Xen keeps none
 * of it. It is durable before there is a domain.
 *
 * @module
 */
import { z } from "zod";
import { VmSpec } from "../../schema/vm.ts";
import { MoveRecord } from "../carried/record.ts";
import type { DomainPlan } from "../driver.ts";
import { keepHandle, keptHandles, readHandle } from "../kept_handles.ts";
import { Ending } from "../ending.ts";
import type { Layout } from "./layout.ts";
import type { Marker } from "./store.ts";

/** What is kept of one domain. */
export const Handle = z.object({
  version: z.literal(1),
  uid: z.string(),
  name: z.string(),
  generation: z.number(),
  incarnation: z.string(),
  /** The boot of the machine in which it was started. */
  bootId: z.string(),
  /** What it was started with; null when its handle was lost. */
  spec: VmSpec.strip().nullable(),
  /** Whether `xl create` is known to have come to its end. */
  created: z.boolean(),
  /** Null while nothing is known of an end. */
  ending: Ending.nullable(),
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
  const { uid, name, generation, incarnation, spec } = plan;
  return {
    version: 1,
    uid,
    name,
    generation,
    incarnation,
    bootId,
    spec,
    created: false,
    ending: null,
    move,
  };
}

/** A handle in place of a lost one, as far as a marker tells. */
export function handleOfMarker(marker: Marker, bootId: string): Handle {
  const { uid, name, generation, incarnation } = marker;
  return {
    version: 1,
    uid,
    name,
    generation,
    incarnation,
    bootId,
    spec: null,
    created: true,
    ending: null,
    move: null,
  };
}

/** Keeps a handle; it is durable when this resolves. */
export function saveHandle(layout: Layout, handle: Handle): Promise<void> {
  return keepHandle(layout.files(handle.uid).handle, handle);
}

/** The handles that are kept, and what stood in the way of reading others. */
export function loadHandles(
  { handles }: Pick<Layout, "handles">,
): Promise<{ handles: Handle[]; errors: string[] }> {
  return keptHandles(handles, parseHandle);
}

/** Reads a handle. Throws `internal` for anything else. */
function parseHandle(text: string): Handle {
  return readHandle(text, (data) => Handle.parse(data));
}
