/**
 * What the guard of this node is to know of a domain.
 *
 * @module
 */
import type { Domain } from "./domain.ts";
import type { QemuTarget } from "./guard/hands.ts";
import { isCopy } from "./migration/record.ts";

/** Those of `domains` that are to be guarded, as they are now. */
export function guardTargets(domains: Iterable<Domain>): QemuTarget[] {
  return [...domains].flatMap(targetOf);
}

function targetOf({ handle, process, files }: Domain): QemuTarget[] {
  if (handle.onNodeLoss !== "restart" || process === null) return [];
  // A copy stands still anyway, and is not this node's to let go on.
  if (isCopy(handle.move)) return [];
  const { pid, startTicks } = process;
  return [{
    uid: handle.uid,
    incarnation: handle.incarnation,
    process: { pid, startTicks },
    monitors: files.monitors,
  }];
}
