/**
 * What xl complains of at a start, as errors that people can act on. Pure.
 *
 * @module
 */
import { type ErrorCode, UsherError } from "../../error/mod.ts";
import type { Exit } from "../../sys/child.ts";
import { wordsOf } from "./words.ts";

interface Known {
  readonly words: RegExp;
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly field?: string;
}

const KNOWN: readonly Known[] = [
  {
    words:
      /failed to free memory|not enough (free )?memory|Out of memory|Cannot allocate memory/i,
    code: "insufficient_resources",
    hint:
      "The host has not so much memory free; dom0 and other domains hold it.",
  },
  {
    words: /Domain with name .* already exists/,
    code: "already_exists",
    hint: 'Another domain has its name; look with "xl list" on the node.',
  },
  {
    // Of the scripts that map a disk, when another domain of the host has it.
    words: /and so cannot be mounted/,
    code: "busy",
    field: "spec.disks",
    hint:
      "Another domain of the host has it: stop that one, or give this VM a disk of its own.",
  },
  {
    words: /no loader found|Invalid kernel/,
    code: "driver_failed",
    hint:
      "A pvh guest needs a kernel with CONFIG_PVH, a pv guest one with CONFIG_XEN_PV.",
  },
  {
    words: /qemu-system|device model/,
    code: "driver_failed",
    hint:
      "hvm guests and qcow2 disks need Xen's QEMU on the node (qemu-system-xen).",
  },
  {
    words: /Could not find bridge device/,
    code: "driver_failed",
    hint: "The node has no such bridge.",
  },
];

/** Why `xl create` ended before there was a domain. */
export function startError(name: string, exit: Exit, said: string): UsherError {
  const known = KNOWN.find(({ words }) => words.test(said));
  const how = exit.signal === null ? `exit code ${exit.code}` : exit.signal;
  const words = wordsOf(said);
  return new UsherError(
    known?.code ?? "driver_failed",
    `Cannot start VM "${name}": xl ended with ${how}${
      words === "" ? "" : `; it said: ${words}`
    }`,
    { hint: known?.hint, field: known?.field },
  );
}
