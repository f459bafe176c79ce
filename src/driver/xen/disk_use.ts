/**
 * Disks that another VM of this host has: refused before Xen is asked, which
 * looks after files and devices that it maps itself, and tells no VM's name.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { DiskSpec } from "../../schema/vm.ts";
import { holderOf } from "../disk_holder.ts";
import type { DomainPlan } from "../driver.ts";
import type { Domain } from "./domain.ts";

/** Throws `busy` for the first disk of `plan` that one of `domains` writes to, or that it would write to while one of them reads it. */
export function refuseUsedDisks(
  { uid, name, spec }: DomainPlan,
  domains: readonly Domain[],
): void {
  const others = domains.filter(({ handle, isLive }) =>
    handle.uid !== uid && isLive
  );
  for (const disk of spec.disks) {
    const users = others.map(({ handle }) => ({
      name: handle.name,
      disks: (handle.spec?.disks ?? [])
        .filter((other) => !(other.readonly && disk.readonly))
        .flatMap(pathOf),
    }));
    for (const path of pathOf(disk)) {
      const holder = holderOf(users, path);
      if (holder === null) continue;
      throw new UsherError(
        "busy",
        `Cannot start VM "${name}": ${path} is in use by VM "${holder}"`,
        {
          field: "spec.disks",
          holder,
          hint: "Stop what uses it, or give each VM a disk of its own.",
        },
      );
    }
  }
}

function pathOf({ path }: DiskSpec): string[] {
  return path === undefined ? [] : [path];
}
