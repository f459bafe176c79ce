/**
 * Patterns with wildcards in the specs of each owner's VMs, counted as VMs come
 * and go: there may be so many of them and no more, since every decision about
 * the owner's VMs tries them all.
 *
 * @module
 */
import { MAX_GLOBS } from "../../core/placement/neighbours.ts";
import { isGlob } from "../../core/selector.ts";
import { UsherError } from "../../error/mod.ts";
import { splitVmName } from "../../schema/name.ts";
import type { PlacementSpec, Vm } from "../../schema/vm.ts";

/** Patterns by owner, with how many VMs have each. */
export class Globs {
  readonly #byOwner = new Map<string, Map<string, number>>();

  /** Counts the patterns of a VM once more (1) or once less (-1). */
  count({ name, spec }: Vm, by: 1 | -1): void {
    const globs = globsIn(spec.placement);
    if (globs.length === 0) return;
    const { user } = splitVmName(name);
    const counts = this.#byOwner.get(user) ?? new Map<string, number>();
    for (const glob of globs) {
      const left = (counts.get(glob) ?? 0) + by;
      if (left > 0) counts.set(glob, left);
      else counts.delete(glob);
    }
    if (counts.size > 0) this.#byOwner.set(user, counts);
    else this.#byOwner.delete(user);
  }

  /** Throws `invalid_input` when a new VM of this name would bring too many. */
  refuseTooMany(name: string, placement: PlacementSpec): void {
    const globs = globsIn(placement);
    if (globs.length === 0) return;
    const { user } = splitVmName(name);
    const known = this.#byOwner.get(user);
    const fresh = globs.filter((glob) => known?.has(glob) !== true);
    if ((known?.size ?? 0) + fresh.length <= MAX_GLOBS || fresh.length === 0) {
      return;
    }
    throw new UsherError(
      "invalid_input",
      `VM "${name}" brings a pattern too many: VMs of user "${user}" may have ${MAX_GLOBS} with wildcards`,
      {
        field: "spec.placement",
        hint: "name VMs without wildcards, or use one pattern for many",
        subject: name,
      },
    );
  }
}

function globsIn({ apartFrom, togetherWith }: PlacementSpec): string[] {
  if (apartFrom.length + togetherWith.length === 0) return [];
  return [...new Set([...apartFrom, ...togetherWith])].filter(isGlob);
}
