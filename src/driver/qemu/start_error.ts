/**
 * QEMU's complaints at start, as errors that people can act on.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Exit } from "../../sys/child.ts";
import { meaningfulLines } from "./ending.ts";

/** Why QEMU ended before it ran. `holderOf` names the VM that uses a disk, if it is known. */
export function startError(
  name: string,
  exit: Exit,
  logTail: string,
  holderOf: (disk: string) => string | null,
): UsherError {
  const disk = lockedDisk(logTail);
  if (disk !== null) return diskInUse(name, disk, holderOf(disk), logTail);
  const noMemory = /cannot set up guest memory|Cannot allocate memory/i
    .test(logTail);
  const how = exit.signal === null ? `exit code ${exit.code}` : exit.signal;
  const said = meaningfulLines(logTail);
  return new UsherError(
    noMemory ? "insufficient_resources" : "driver_failed",
    `Cannot start VM "${name}": QEMU ended with ${how}${
      said === "" ? "" : `; it said: ${said}`
    }`,
    { hint: HINTS.find(([words]) => said.includes(words))?.[1] },
  );
}

/** What to do about what QEMU says. */
const HINTS: readonly (readonly [words: string, hint: string])[] = [
  [
    "Cannot allocate memory",
    "The node has not so much memory free; other guests and processes hold it.",
  ],
  [
    "Could not set up host forwarding rule",
    "Another process listens on that port of the node.",
  ],
  [
    "Image is not in qcow2 format",
    "If the image is raw, say so: format=raw. What it is is never guessed.",
  ],
];

/** The disk that another process has locked, in QEMU's words; null when that is not the trouble. */
function lockedDisk(logTail: string): string | null {
  if (!/Failed to get (shared )?"[a-z ]+" lock/.test(logTail)) return null;
  return /Is another process using the image \[(.*)\]\?/.exec(logTail)?.[1] ??
    "a disk";
}

function diskInUse(
  name: string,
  disk: string,
  holder: string | null,
  logTail: string,
): UsherError {
  const by = holder === null ? "another process" : `VM "${holder}"`;
  return new UsherError(
    "busy",
    `Cannot start VM "${name}": ${disk} is in use by ${by}`,
    {
      field: "spec.disks",
      ...(holder === null ? {} : { holder }),
      hint:
        "Stop what uses it, or give both VMs overlays with `base` in place of `path`.",
      cause: new Error(meaningfulLines(logTail)),
    },
  );
}
