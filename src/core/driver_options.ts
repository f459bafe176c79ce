/**
 * Options of a driver in the spec of another driver's VM: they would be passed
 * over without a word, and who wrote them would wait for what they ask for.
 *
 * The drivers of QEMU share `machine` and `cpu`, which a spec may have for both
 * while its site chooses between them. sim takes any spec, since it runs none.
 *
 * @module
 */
import { SimOptions, type VmSpec } from "../schema/vm.ts";

const GROUPS = ["qemu", "libvirt", "xen", "sim"] as const;

/** An option, as its field is written, and the driver that knows it. */
export interface StrangeOption {
  readonly field: string;
  readonly driver: string;
}

/** The first option of `spec` that its driver does not know; null when it knows all. */
export function strangeOption(spec: VmSpec): StrangeOption | null {
  const its = GROUPS.find((name) => name === spec.driver);
  if (its === undefined || its === "sim") return null;
  const own: Options = Object.entries(spec[its]);
  for (const driver of GROUPS) {
    if (driver === its) continue;
    const option = Object.entries(spec[driver]).find((option) =>
      !holds(own, option) && !(driver === "sim" && holds(UNASKED, option))
    );
    if (option !== undefined) {
      return { field: `${driver}.${option[0]}`, driver };
    }
  }
  return null;
}

type Options = readonly (readonly [key: string, value: unknown])[];

/** What of `sim` stands in the spec of every VM. */
const UNASKED: Options = Object.entries(SimOptions.parse({}));

function holds(options: Options, [key, value]: Options[number]): boolean {
  return options.some((other) => other[0] === key && other[1] === value);
}
