/**
 * What libvirt's networks cannot do, told before libvirt is asked.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { DomainPlan } from "../driver.ts";

/** Throws `invalid_input` for a port that is to be forwarded, which QEMU's own network does under libvirt for nobody. */
export function refuseForwards(
  { name, spec }: Pick<DomainPlan, "name" | "spec">,
): void {
  const index = spec.nics.findIndex((nic) =>
    nic.kind === "user" && nic.forwards.length > 0
  );
  if (index < 0) return;
  throw new UsherError(
    "invalid_input",
    `Cannot start VM "${name}": under libvirt no ports of a node lead to a guest`,
    {
      field: `spec.nics[${index}].forwards`,
      hint: "Put its card on a bridge, or take the qemu driver.",
    },
  );
}
