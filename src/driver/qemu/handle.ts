/**
 * The handle: what the driver must remember to find a domain again.
 *
 * It is durable before QEMU is started, so a domain without one was not made
 * by this driver or has lost it. A small copy of it (`Marker`) rides in the
 * environment of the QEMU process, out of the guest's sight: a domain whose
 * handle was lost is known by it all the same.
 *
 * @module
 */
import { z } from "zod";
import { OnNodeLoss } from "../../schema/vm.ts";
import type { DomainPlan } from "../driver.ts";
import { KeptDomain, keptHandles, keptOf } from "../kept_handles.ts";
import type { Layout } from "./layout.ts";
import { MoveRecord } from "./migration/record.ts";

/** Version 2 knows the spec and the move. Raise it with a way up in `UPGRADES`. */
export const Handle = KeptDomain.extend({
  version: z.literal(2),
  /** Files that it reads or writes, bases of overlays too, as the user named them. */
  disks: z.array(z.string()),
  /** Whether a guard is to pause it when the node's lease is over. */
  onNodeLoss: OnNodeLoss.default("wait"),
  /** Its migration; null while it is not on the move. */
  move: MoveRecord.nullable(),
});
export type Handle = z.infer<typeof Handle>;

/** From each older version to the one after it. */
const UPGRADES: Readonly<
  Record<number, (older: Record<string, unknown>) => Record<string, unknown>>
> = {
  1: (older) => ({ ...older, spec: null, move: null }),
};

/** Reads what is kept of this version or an older one. Throws for anything else. */
export function readKept(kept: unknown): Handle {
  let data = z.looseObject({ version: z.int() }).parse(kept);
  for (
    let up = UPGRADES[data.version];
    up !== undefined;
    up = UPGRADES[data.version]
  ) {
    data = { ...up(data), version: data.version + 1 };
  }
  return Handle.parse(data);
}

/** The handle of a run that is about to begin. */
export function newHandle(
  plan: DomainPlan,
  bootId: string,
  move: MoveRecord | null = null,
): Handle {
  const { disks, onNodeLoss } = plan.spec;
  return {
    version: 2,
    ...keptOf(plan, bootId, plan.spec),
    disks: disks.flatMap(({ path, base }) => path ?? base ?? []),
    onNodeLoss,
    move,
  };
}

/** The handles that are kept, and what stood in the way of reading others. */
export function loadHandles(
  { handles }: Pick<Layout, "handles">,
): Promise<{ handles: Handle[]; errors: string[] }> {
  return keptHandles(handles, readKept);
}

/** The variable of QEMU's environment that holds the marker. */
export const MARKER_VARIABLE = "USHER_DOMAIN";

/** What a QEMU process says about itself. */
export const Marker = z.object({
  uid: z.string(),
  name: z.string(),
  generation: z.number(),
  incarnation: z.string(),
  onNodeLoss: OnNodeLoss.default("wait"),
  /** Tells the domains of one LNM from those of another on the same machine. */
  runDir: z.string(),
});
export type Marker = z.infer<typeof Marker>;

/** The marker that goes with a handle. */
export function markerOf(
  { uid, name, generation, incarnation, onNodeLoss }: Handle,
  runDir: string,
): string {
  return JSON.stringify(
    { uid, name, generation, incarnation, onNodeLoss, runDir } satisfies Marker,
  );
}

/** Reads a marker; null when it is none. */
export function parseMarker(text: string): Marker | null {
  try {
    return Marker.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** A handle in place of a lost one, as far as a marker and the process's arguments tell. */
export function handleOfMarker(
  marker: Marker,
  disks: readonly string[],
  bootId: string,
): Handle {
  return {
    version: 2,
    ...keptOf(marker, bootId, null),
    disks: [...disks],
    onNodeLoss: marker.onNodeLoss,
    move: null,
  };
}
