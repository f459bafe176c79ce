/**
 * Strays: names that the server has, marked as this site's, and that no VM
 * should have. The plugin's own book tells of those that it made; the zone
 * itself also of those that the book has lost, by a backup that was restored
 * or a space that was forgotten.
 *
 * The zone is read before the VMs: who has a mark and is not among the VMs
 * that are read later is gone. Of a VM that an event is told of meanwhile
 * nothing is removed.
 *
 * @module
 */
import type { PluginContext } from "@usher/plugin";
import { allVms } from "../shared/all_vms.ts";
import { makeAll } from "./bulk.ts";
import { typesIn } from "./claims.ts";
import type { Names } from "./names.ts";
import { toRelease } from "./ownership.ts";
import { wantedBy } from "./survey.ts";
import { inTurns, Watch } from "./turns.ts";
import type { Marked, ReadZones } from "./read_zones.ts";

/** More of these than there are names of VMs are rather another site's. */
const FEW = 20;
/** Names that are removed at once. */
const PART = 400;

/** Removes strays; whether that were all of them. Throws while the server cannot be told. */
export async function removeStrays(
  names: Names,
  zones: ReadZones,
  { ctx, until }: {
    readonly ctx: PluginContext<unknown>;
    /** The moment after which it leaves off. */
    readonly until: number;
  },
): Promise<boolean> {
  using watch = new Watch();
  const marked = zones.markedOf(names.options.owner);
  const wanted = wantedBy(await allVms(ctx.vms), names.options);
  // One that another VM should have by now goes to that one as a whole.
  const strays = marked.filter(({ name }) => !wanted.has(name));
  if (strays.length > Math.max(FEW, marked.length / 2)) {
    ctx.log.error(
      `${strays.length} of ${marked.length} names that are marked as this site's belong to no VM, and stay: does another site have the same "owner"?`,
    );
    return true;
  }
  let removed = 0;
  for (let at = 0; at < strays.length; at += PART) {
    if (at > 0 && Date.now() > until) return false;
    const some = strays.slice(at, at + PART);
    await inTurns(some.map(({ uid }) => uid), async () => {
      const alone = some.filter(({ uid }) => !watch.has(uid));
      removed += await remove(alone, names, zones, ctx);
    });
  }
  if (removed > 0) {
    ctx.log.info(
      `${removed} names that are marked as this site's and belong to no VM are removed`,
    );
  }
  return true;
}

async function remove(
  strays: readonly Marked[],
  names: Names,
  zones: ReadZones,
  { signal }: PluginContext<unknown>,
): Promise<number> {
  const { options, server } = names;
  const releases = strays.map(({ zone, name, uid }) =>
    toRelease(
      { zone, name, types: typesIn(zone, options) },
      { owner: options.owner, uid },
    )
  );
  // What is left has another mark by now, or none.
  const { done } = await makeAll(server, releases, signal);
  for (const change of done) zones.took(change);
  return done.length;
}
