/**
 * What a start needs to find on the node: files that are there and can be
 * used, networks that the node allows, and overlays on their bases.
 *
 * Looked at before QEMU is started, because QEMU's own complaint names a
 * device of usher's and not the user's line.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { DiskSpec, NicSpec, VmSpec } from "../../schema/vm.ts";
import { runCommand } from "../../sys/child.ts";
import { removeIfThere, statOrNull } from "../../sys/file.ts";
import { findFileProblem } from "../../sys/file_access.ts";
import type { Layout } from "./layout.ts";

/** What the node lets guests use. */
export interface Allowed {
  readonly bridges: readonly string[];
  /** `*` at the end matches any rest. */
  readonly taps: readonly string[];
}

/** Throws `invalid_input` for the first thing in `spec` that this node cannot give. */
export function checkSpec(spec: VmSpec, allowed: Allowed): void {
  const { boot, disks, nics } = spec;
  if (boot === null && disks.length === 0) {
    throw invalid("boot", "it has neither a kernel nor a disk to boot from");
  }
  if (boot !== null) {
    checkFile(boot.kernel, false, "boot.kernel");
    if (boot.initrd !== undefined) checkFile(boot.initrd, false, "boot.initrd");
  }
  disks.forEach((disk, index) => checkDisk(disk, `disks[${index}]`));
  nics.forEach((nic, index) => checkNic(nic, `nics[${index}]`, allowed));
}

function checkDisk({ path, base, readonly }: DiskSpec, field: string): void {
  if (path !== undefined) checkFile(path, !readonly, `${field}.path`);
  if (base !== undefined) checkFile(base, false, `${field}.base`);
}

function checkFile(path: string, write: boolean, field: string): void {
  const problem = findFileProblem(path, write);
  if (problem !== null) {
    throw invalid(field, `${path} is ${problem} on this node`);
  }
}

function checkNic(
  nic: NicSpec,
  field: string,
  { bridges, taps }: Allowed,
): void {
  if (nic.kind === "bridge" && !bridges.includes(nic.bridge)) {
    throw invalid(
      `${field}.bridge`,
      `this node does not allow bridge ${nic.bridge}`,
    );
  }
  if (
    nic.kind === "tap" && !taps.some((pattern) => matches(nic.tap, pattern))
  ) {
    throw invalid(
      `${field}.tap`,
      `this node does not allow tap device ${nic.tap}`,
    );
  }
}

function matches(name: string, pattern: string): boolean {
  return pattern.endsWith("*")
    ? name.startsWith(pattern.slice(0, -1))
    : name === pattern;
}

function invalid(field: string, why: string): UsherError {
  return new UsherError("invalid_input", `Cannot start the VM: ${why}`, {
    field: `spec.${field}`,
  });
}

const OVERLAY_DEADLINE_MS = 30_000;

/** Makes the overlays that are not there yet; returns those it made. */
export async function makeOverlays(
  { uid, spec, imageTool }: { uid: string; spec: VmSpec; imageTool: string },
  layout: Layout,
): Promise<string[]> {
  const made: string[] = [];
  for (const [index, disk] of spec.disks.entries()) {
    if (disk.base === undefined) continue;
    const overlay = layout.overlay(uid, index);
    if (await statOrNull(overlay) !== null) continue;
    try {
      await makeOverlay(overlay, disk, imageTool);
    } catch (error) {
      for (const path of [...made, overlay]) await removeIfThere(path);
      throw error;
    }
    made.push(overlay);
  }
  return made;
}

async function makeOverlay(
  overlay: string,
  disk: DiskSpec,
  imageTool: string,
): Promise<void> {
  // The base is given as JSON, for the reasons told in command_line.ts; and
  // its format with it, so that it is not guessed from what a guest wrote.
  const base = `json:${
    JSON.stringify({
      driver: disk.format,
      file: { driver: "file", filename: disk.base },
    })
  }`;
  const size = disk.sizeMiB === undefined ? [] : [`${disk.sizeMiB}M`];
  const args = [
    "create",
    "-q",
    "-f",
    "qcow2",
    "-F",
    disk.format,
    "-b",
    base,
    overlay,
    ...size,
  ];
  const { code, stderr, timedOut } = await runCommand(
    imageTool,
    args,
    OVERLAY_DEADLINE_MS,
  );
  if (code === 0) return;
  const why = timedOut
    ? `${imageTool} did not end within ${OVERLAY_DEADLINE_MS} ms`
    : stderr.trim();
  throw new UsherError(
    "driver_failed",
    `Cannot make an overlay on ${disk.base}: ${why}`,
  );
}
