/**
 * libvirt's complaints at start, as errors that people can act on.
 *
 * @module
 */
import { type ErrorCode, UsherError } from "../../error/mod.ts";

/** Who uses a disk. */
export interface DiskHolder {
  /** A VM's name, or libvirt's name of a domain that usher did not make. */
  readonly name: string;
  readonly isVm: boolean;
}

/**
 * Why a start was refused, in `said`'s words. `holderOf` tells who uses a disk, if
 * it is known; `its copy` is the VM's own, which a guard holds on another node.
 */
export function startError(
  name: string,
  said: string,
  holderOf: (disk: string) => DiskHolder | "its copy" | null,
): UsherError {
  if (/Failed to get (shared )?"[a-z ]+" lock/.test(said)) {
    const disk = /using the image \[(.*?)\]\?/.exec(said)?.[1] ?? "a disk";
    return diskInUse(name, disk, holderOf(disk), said);
  }
  const known = KNOWN.find(({ words }) => words.test(said));
  return new UsherError(
    known?.code ?? "driver_failed",
    `Cannot start VM "${name}": ${withoutNoise(said)}`,
    { hint: known?.hint },
  );
}

/** libvirt's words from the cause on: what was tried is said already, and a file of usher's is no help. */
function withoutNoise(said: string): string {
  return said
    .replace(/^Failed to (define domain from \S+|start domain '[^']*'); /, "")
    .replace(
      /^internal error: (process exited while connecting to monitor: )?/,
      "",
    )
    .replace(/\d{4}-\d\d-\d\dT\S+Z (?=\S*qemu\S*: )/, "");
}

interface Known {
  readonly words: RegExp;
  /** `driver_failed` when absent. */
  readonly code?: ErrorCode;
  readonly hint: string;
}

const KNOWN: readonly Known[] = [
  {
    words: /Cannot allocate memory|cannot set up guest memory/i,
    code: "insufficient_resources",
    hint:
      "The node has not so much memory free; other guests and processes hold it.",
  },
  {
    words: /already exists with uuid/,
    code: "already_exists",
    hint: "Rename that one with virsh domrename, or have it adopted.",
  },
  {
    words: /Image is not in qcow2 format/,
    hint:
      "If the image is raw, say so: format=raw. What it is is never guessed.",
  },
  {
    words:
      /could not find capabilities for domaintype=kvm|KVM is not available|KVM kernel module/i,
    hint: "The node has no KVM that works: set drivers.libvirt.accel to tcg.",
  },
  {
    words: /Permission denied|Could not open/,
    hint:
      "libvirt runs QEMU as a user of its own, who must get to every disk: look at the permissions of all folders above it.",
  },
  {
    words: /Cannot access storage file|No such file or directory/,
    hint: "Put the file back on its node, or have virsh edit name another.",
  },
  {
    // Of a machine that it does not know libvirt knows no buses.
    words:
      /unsupported machine type|does not support machine type|No PCI buses available/,
    hint: "virsh capabilities lists the machines of that node.",
  },
  {
    words: /Unable to find any firmware/,
    hint: "UEFI needs the package ovmf on the node.",
  },
  {
    words:
      /Cannot get interface|Unable to add .* to bridge|bridge .* not found/i,
    hint: "The node has no such bridge or tap.",
  },
  {
    words:
      /Unknown CPU model|CPU model .* (is )?not supported|unsupported configuration: .*CPU/i,
    hint: "virsh cpu-models x86_64 lists the models of that node.",
  },
];

function diskInUse(
  name: string,
  disk: string,
  holder: DiskHolder | "its copy" | null,
  said: string,
): UsherError {
  const isVm = holder !== "its copy" && holder?.isVm === true;
  return new UsherError(
    "busy",
    `Cannot start VM "${name}": ${disk} is in use by ${nameOf(holder)}`,
    {
      field: "spec.disks",
      ...(isVm ? { holder: holder.name } : {}),
      hint: holder === "its copy"
        ? "Libvirt passes over no lock: the storage lets go of it once that node is off."
        : "Stop what uses it, or give both VMs overlays with `base` in place of `path`.",
      cause: new Error(said),
    },
  );
}

function nameOf(holder: DiskHolder | "its copy" | null): string {
  if (holder === null) return "another process";
  if (holder === "its copy") {
    return "its copy on the node that was lost, which the guard there has paused";
  }
  return holder.isVm
    ? `VM "${holder.name}"`
    : `domain "${holder.name}", which usher did not make`;
}
