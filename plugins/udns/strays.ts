/**
 * Strays: names that the server has, marked as this site's, and that no VM
 * should have. The plugin's own book tells of those that it made; the zone
 * itself also of those that the book has lost, by a backup that was restored
 * or a space that was forgotten.
 *
 * The zone is read before the VMs: who has a mark and is not among the VMs
 * that are read later is gone. Before a name of one that is there is removed
 * the VM is looked at once more, in its turn.
 *
 * @module
 */
import type { PluginContext } from "@usher/plugin";
import { allVms } from "../shared/all_vms.ts";
import type { Names } from "./names.ts";

/** More of these than there are names of VMs are rather another site's. */
const FEW = 20;

/** Removes strays, `limit` at most; how many there were. Throws when the server does not tell. */
export async function removeStrays(
  names: Names,
  limit: number,
  ctx: PluginContext<unknown>,
): Promise<number> {
  const marked = await names.marked(ctx.signal);
  const vms = await allVms(ctx.vms);
  const wanted = new Set(
    vms.flatMap((vm) => names.claimsOf(vm, ctx).map(({ name }) => name)),
  );
  // One that another VM should have by now goes to that one as a whole.
  const strays = marked.filter(({ name }) => !wanted.has(name));
  if (strays.length > Math.max(FEW, marked.length / 2)) {
    ctx.log.error(
      `${strays.length} of ${marked.length} names that are marked as this site's belong to no VM, and stay: does another site have the same "owner"?`,
    );
    return 0;
  }
  const byUid = new Map(vms.map(({ uid, name }) => [uid, name]));
  for (const stray of strays.slice(0, limit)) {
    await names.removeStray(stray, byUid.get(stray.uid) ?? null, ctx);
  }
  return strays.length;
}
