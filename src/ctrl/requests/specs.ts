/**
 * The spec of a new VM: what was asked, completed by the site's defaults.
 *
 * @module
 */
import { bindingDisk, diskName } from "../../core/binding.ts";
import { strangeOption } from "../../core/driver_options.ts";
import { compileName } from "../../core/selector.ts";
import { messageOf, UsherError } from "../../error/mod.ts";
import { DRIVER_NAMES } from "../../schema/known_driver.ts";
import { didYouMean } from "../../schema/nearest.ts";
import type { SpecInput } from "../../schema/request.ts";
import { type Vm, VmSpec } from "../../schema/vm.ts";

/** What a VM gets that asks for nothing. */
export interface SpecDefaults {
  /** Null when no node has a driver yet. */
  readonly driver: string | null;
  readonly vcpus: number;
  readonly memoryMiB: number;
  /** The drivers that any node has told of, to name the one that was meant. */
  readonly known: readonly string[];
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
  refuseUnknownDriver(driver, defaults.known, name);
  refuseStrangeOption(spec, name);
  refuseBoundRestart(spec, name);
  refuseNoNeighbours(spec, name);
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

/** A name that is nobody's is misspelt; that no node has a driver of usher's is for the placement to tell. */
function refuseUnknownDriver(
  driver: string,
  known: readonly string[],
  name: string,
): void {
  const all = [...new Set([...known, ...DRIVER_NAMES])];
  if (all.includes(driver)) return;
  throw new UsherError("invalid_input", `There is no driver "${driver}"`, {
    field: "spec.driver",
    hint: didYouMean(driver, all) ||
      (known.length > 0
        ? `nodes here have ${known.join(", ")}`
        : `there are ${DRIVER_NAMES.join(", ")}`),
    subject: name,
  });
}

function refuseStrangeOption(spec: VmSpec, name: string): void {
  const strange = strangeOption(spec);
  if (strange === null) return;
  const { field, driver } = strange;
  throw new UsherError(
    "invalid_input",
    `VM "${name}" is for driver ${spec.driver}, which knows no ${field}`,
    {
      field: `spec.${field}`,
      hint: `leave ${field} out, or say --driver ${driver}`,
      subject: name,
    },
  );
}

/** Patterns that cannot be read, and VMs that would have to be and not to be there. */
function refuseNoNeighbours({ placement }: VmSpec, name: string): void {
  for (const key of ["apartFrom", "togetherWith"] as const) {
    for (const pattern of placement[key]) {
      checkPattern(pattern, `spec.placement.${key}`, name);
    }
  }
  const both = placement.apartFrom.find((it) =>
    placement.togetherWith.includes(it)
  );
  if (both === undefined) return;
  throw new UsherError(
    "invalid_input",
    `VM "${name}" cannot be apart from "${both}" and together with it`,
    {
      field: "spec.placement",
      hint: "leave one of the two out",
      subject: name,
    },
  );
}

const MAX_LABELS = 3;

function checkPattern(pattern: string, field: string, subject: string): void {
  const hint =
    "write vm, vm.cluster or vm.cluster.user; * stands for any text, ? for one character";
  if (pattern.split(".").length > MAX_LABELS) {
    throw new UsherError(
      "invalid_input",
      `"${pattern}" means no VM: it has more than three parts`,
      { field, hint, subject },
    );
  }
  try {
    compileName(pattern);
  } catch (error) {
    throw new UsherError("invalid_input", messageOf(error), {
      field,
      hint,
      subject,
      cause: error,
    });
  }
}

/** A VM that starts elsewhere by itself must find all its disks there. */
function refuseBoundRestart(spec: VmSpec, name: string): void {
  if (spec.onNodeLoss !== "restart") return;
  const disk = bindingDisk(spec);
  if (disk === null) return;
  throw new UsherError(
    "invalid_input",
    `Cannot restart VM "${name}" on another node: no other node has its disk (${
      diskName(disk)
    })`,
    {
      hint: disk.path === undefined
        ? "an overlay lies with its node; put a whole image on shared storage, and mark it shared"
        : "if every node sees the same file there, mark the disk shared; else leave out --on-node-loss restart",
      field: "spec.onNodeLoss",
      subject: name,
    },
  );
}

/** The largest record of a VM, well below what the store takes of one value. */
const MAX_VM_BYTES = 48 * 1024;

/** Throws `invalid_input` when so much is said of `vm` that it cannot be kept. */
export function refuseTooLarge(vm: Vm): void {
  const text = JSON.stringify(vm);
  // A letter has three bytes at most, so most records need no counting.
  if (text.length * 3 <= MAX_VM_BYTES) return;
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= MAX_VM_BYTES) return;
  throw new UsherError(
    "invalid_input",
    `VM "${vm.name}" is described with ${bytes} bytes, ${MAX_VM_BYTES} at most can be kept`,
    {
      hint: "give fewer or shorter disks, forwards and arguments",
      subject: vm.name,
    },
  );
}
