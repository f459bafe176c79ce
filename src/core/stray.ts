/**
 * Strays: domains of a VM on a node that it no longer belongs to.
 *
 * A node that was cut off still has what was taken over meanwhile, paused by
 * its guard, or running when the word that it was dead was wrong. Each
 * takeover raises the generation, so which copy is the older one is known.
 * It is ended only once a newer one was seen: until then it may be the last
 * there is, and afterwards its memory does not go with its disks any more.
 *
 * @module
 */
import type { Vm } from "../schema/vm.ts";
import type { Seen } from "./reconcile.ts";

/** What to do about a stray: end it, wait what becomes of the VM, or leave it to people. */
export type StrayVerdict = "end" | "wait" | "leave";

/** What becomes of `stray`, seen on another node than `vm`'s; `isHeld` while an operation works on the VM. */
export function strayVerdict(
  { generation, status }: Pick<Vm, "generation" | "status">,
  stray: Pick<Seen, "generation" | "incarnation">,
  isHeld: boolean,
): StrayVerdict {
  // Of two of one generation nobody knows which is right; migration has such.
  if (stray.generation >= generation) return "leave";
  if (isHeld) return "wait";
  const hasNewerRun = status.observedGeneration > stray.generation &&
    status.incarnation !== stray.incarnation;
  return hasNewerRun ? "end" : "wait";
}
