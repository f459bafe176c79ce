/**
 * The spec of a new VM: what was asked, completed by the site's defaults.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { SpecInput } from "../schema/request.ts";
import { VmSpec } from "../schema/vm.ts";

/** What a VM gets that asks for nothing. */
export interface SpecDefaults {
  /** Null when no node has a driver yet. */
  readonly driver: string | null;
  readonly vcpus: number;
  readonly memoryMiB: number;
}

/** The whole spec of VM `name`. Throws `invalid_input` for one that could never start. */
export function specFor(
  input: SpecInput,
  defaults: SpecDefaults,
  name: string,
): VmSpec {
  const driver = input.driver ?? defaults.driver;
  if (driver === null) {
    throw new UsherError(
      "insufficient_resources",
      `Cannot choose a driver for VM "${name}": no node has one that is healthy`,
      {
        hint: 'look at "usher node list", or name one with --driver',
        subject: name,
      },
    );
  }
  const spec = VmSpec.parse({
    ...input,
    driver,
    vcpus: input.vcpus ?? defaults.vcpus,
    memoryMiB: input.memoryMiB ?? defaults.memoryMiB,
    boot: input.boot ?? null,
    sim: input.sim ?? {},
    power: "off",
  });
  if (driver !== "sim" && spec.boot === null && spec.disks.length === 0) {
    throw new UsherError(
      "invalid_input",
      `There is no VM "${name}", and a new one needs something to boot from`,
      {
        hint: "give --disk or --kernel to make it; or check the name",
        subject: name,
        field: "spec",
      },
    );
  }
  return spec;
}
