/**
 * What a start needs of the node and of the spec, looked at before xl is
 * asked, whose complaint names libxl's sources and not the user's line.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { DomainPlan } from "../driver.ts";
import { uuidOfUid } from "../identity.ts";
import { guestType } from "./domain_config.ts";
import { checkSpec, specError } from "../spec_check.ts";
import type { XenEnvironment } from "./environment.ts";
import type { Row } from "./listing.ts";

/** Throws `invalid_input` for what Xen or this node cannot give, `already_exists` when another domain has the name. */
export function checkPlan(
  { node, config }: XenEnvironment,
  plan: DomainPlan,
  rows: readonly Row[],
): void {
  const { name, uid, spec } = plan;
  checkSpec({ name, node, spec }, { bridges: config.bridges, taps: [] });
  spec.nics.forEach(({ kind }, index) => {
    if (kind === "bridge") return;
    throw specError(
      plan,
      `nics[${index}].kind`,
      `Xen has no network cards of kind ${kind}`,
      "Give it a bridge of the node.",
    );
  });
  spec.disks.forEach(({ base }, index) => {
    if (base === undefined) return;
    throw specError(
      plan,
      `disks[${index}].base`,
      "Xen makes no overlays",
      "Copy the image, and name the copy with `path`.",
    );
  });
  checkBoot(plan);
  const other = rows.find((row) =>
    row.name === name && row.uuid !== uuidOfUid(uid) && !row.dying
  );
  if (other === undefined) return;
  throw new UsherError(
    "already_exists",
    `Cannot start VM "${name}": domain ${other.domid} of node "${node}" has its name`,
    { hint: "Rename or end that domain, which is not of usher's making." },
  );
}

function checkBoot(plan: DomainPlan): void {
  const { boot, disks, xen } = plan.spec;
  const type = guestType(plan.spec);
  if (type !== "hvm" && boot === null && xen.bootloader === undefined) {
    throw specError(
      plan,
      "boot",
      `a ${type} guest needs a kernel, or a bootloader that reads it from its disk`,
    );
  }
  if (type === "hvm" && boot === null && disks.length === 0) {
    throw specError(plan, "disks", "it has nothing to boot from");
  }
  if (xen.bootloader !== undefined && disks.length === 0) {
    throw specError(plan, "disks", "its bootloader has no disk to read from");
  }
}
