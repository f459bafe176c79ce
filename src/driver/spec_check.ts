/**
 * What a start needs to find on the node: files that are there and can be
 * used, each once, and networks that the node allows.
 *
 * Looked at before a hypervisor is asked, because its own complaint names a
 * device of usher's and not the user's line.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import type { NicSpec, VmSpec } from "../schema/vm.ts";
import {
  fileIdentity,
  type FileProblem,
  findFileProblem,
} from "../sys/file_access.ts";

/** What is asked, by whom, and where. */
export interface Wish {
  /** The VM's full name. */
  readonly name: string;
  readonly node: string;
  readonly spec: VmSpec;
}

/** What the node lets guests use. */
export interface Allowed {
  /** In both, `*` at the end matches any rest. */
  readonly bridges: readonly string[];
  readonly taps: readonly string[];
}

/** Who opens disks and kernels: this process's user, or a daemon with rights that are not known here. */
export type Opener = "usher" | "daemon";

/** Throws `invalid_input` for the first thing in the spec that this node cannot give. */
export function checkSpec(
  wish: Wish,
  allowed: Allowed,
  opener: Opener = "usher",
): void {
  const checkFile = (path: string, write: boolean, field: string) =>
    checkOneFile(wish, opener, path, write, field);
  const { boot, disks, nics } = wish.spec;
  if (boot === null && disks.length === 0) {
    throw specError(
      wish,
      "boot",
      "it has neither a kernel nor a disk to boot from",
    );
  }
  if (boot !== null) {
    checkFile(boot.kernel, false, "boot.kernel");
    if (boot.initrd !== undefined) {
      checkFile(boot.initrd, false, "boot.initrd");
    }
  }
  disks.forEach(({ path, base, readonly }, index) => {
    const field = `disks[${index}]`;
    if (path !== undefined) checkFile(path, !readonly, `${field}.path`);
    // Overlays on it are made by usher itself.
    if (base !== undefined) {
      checkOneFile(wish, "usher", base, false, `${field}.base`);
    }
  });
  checkTwice(wish);
  checkNics({ ...wish, spec: { nics } }, allowed);
}

/** Throws `invalid_input` for a network that this node does not let guests use. */
export function checkNics(
  wish: Omit<Wish, "spec"> & { readonly spec: Pick<VmSpec, "nics"> },
  allowed: Allowed,
): void {
  wish.spec.nics.forEach((nic, index) =>
    checkNic(wish, nic, `nics[${index}]`, allowed)
  );
}

function checkOneFile(
  wish: Wish,
  opener: Opener,
  path: string,
  write: boolean,
  field: string,
): void {
  const problem = findFileProblem(path, write);
  if (problem === null) return;
  const isOfRights = problem === "not readable" || problem === "not writable";
  if (isOfRights && opener === "daemon") return;
  throw specError(
    wish,
    field,
    `${path} is ${problem} on node "${wish.node}"`,
    REMEDIES[problem],
  );
}

const REMEDIES: Readonly<Record<FileProblem, string>> = {
  "not there": "Put it there, or say with --on which node has it.",
  "not a file": "Name a file, or a block device.",
  "not readable": "Let the node manager of that node read it.",
  "not writable":
    "Let the node manager of that node write to it, or say readonly.",
};

/** Two disks may be one file under two names; QEMU would then lock itself out. */
function checkTwice(wish: Wish): void {
  const seen = new Map<string, { path: string; writes: boolean }>();
  wish.spec.disks.forEach(({ path, base, readonly }, index) => {
    const file = path ?? base;
    const identity = file === undefined ? null : fileIdentity(file);
    if (file === undefined || identity === null) return;
    const writes = path !== undefined && !readonly;
    const other = seen.get(identity);
    if (other !== undefined && (writes || other.writes)) {
      throw specError(
        wish,
        `disks[${index}]`,
        other.path === file
          ? `${file} is a disk of it twice`
          : `${file} and ${other.path} are the same file`,
      );
    }
    seen.set(identity, { path: file, writes });
  });
}

function checkNic(
  wish: Omit<Wish, "spec">,
  nic: NicSpec,
  field: string,
  { bridges, taps }: Allowed,
): void {
  const on = `on node "${wish.node}"`;
  if (
    nic.kind === "bridge" &&
    !bridges.some((pattern) => matches(nic.bridge, pattern))
  ) {
    throw specError(
      wish,
      `${field}.bridge`,
      `bridge ${nic.bridge} is not allowed ${on}`,
      "`bridges` in the node's lnm.yaml lists those that are.",
    );
  }
  if (
    nic.kind === "tap" && !taps.some((pattern) => matches(nic.tap, pattern))
  ) {
    throw specError(
      wish,
      `${field}.tap`,
      `tap device ${nic.tap} is not allowed ${on}`,
      "`taps` in the node's lnm.yaml lists those that are.",
    );
  }
}

function matches(name: string, pattern: string): boolean {
  return pattern.endsWith("*")
    ? name.startsWith(pattern.slice(0, -1))
    : name === pattern;
}

/** What of a spec this node cannot give; `field` is its place there. */
export function specError(
  { name }: Pick<Wish, "name">,
  field: string,
  why: string,
  hint?: string,
): UsherError {
  return new UsherError("invalid_input", `Cannot start VM "${name}": ${why}`, {
    field: `spec.${field}`,
    hint,
  });
}
