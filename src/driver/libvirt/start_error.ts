/**
 * libvirt's complaints at start, as errors that people can act on.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";

/** Why a start was refused, in `said`'s words. `holderOf` names the VM that uses a disk, if it is known. */
export function startError(
  name: string,
  said: string,
  holderOf: (disk: string) => string | null,
): UsherError {
  if (/Failed to get (shared )?"[a-z ]+" lock/.test(said)) {
    const disk = /using the image \[(.*?)\]\?/.exec(said)?.[1] ?? "a disk";
    return diskInUse(name, disk, holderOf(disk), said);
  }
  return new UsherError("driver_failed", `Cannot start VM "${name}": ${said}`, {
    hint: HINTS.find(([words]) => words.test(said))?.[1],
  });
}

const HINTS: readonly (readonly [words: RegExp, hint: string])[] = [
  [
    /Image is not in qcow2 format/,
    "If the image is raw, say so: format=raw. What it is is never guessed.",
  ],
  [
    /Permission denied|Could not open/,
    "libvirt runs QEMU as a user of its own, who must get to every disk: look at the permissions of all folders above it.",
  ],
  [
    /unsupported machine type|does not support machine type/,
    "virsh capabilities lists the machines of that node.",
  ],
];

function diskInUse(
  name: string,
  disk: string,
  holder: string | null,
  said: string,
): UsherError {
  const by = holder === null ? "another process" : `VM "${holder}"`;
  return new UsherError(
    "busy",
    `Cannot start VM "${name}": ${disk} is in use by ${by}: ${said}`,
    {
      field: "spec.disks",
      ...(holder === null ? {} : { holder }),
      hint:
        "Stop what uses it, or give both VMs overlays with `base` in place of `path`.",
    },
  );
}
