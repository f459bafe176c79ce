/**
 * Overlays: qcow2 files of usher's own that take what a guest writes, on a
 * base image that stays as it is.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { DiskSpec } from "../../schema/vm.ts";
import { type CommandResult, runCommand } from "../../sys/child.ts";
import { removeIfThere, statOrNull } from "../../sys/file.ts";
import { findFileProblem, isBlockDevice } from "../../sys/file_access.ts";
import { fileNode } from "./command_line.ts";
import type { DomainPlan } from "../driver.ts";
import type { Layout } from "./layout.ts";

const DEADLINE_MS = 30_000;

/** Where overlays come from. */
export interface OverlayMaker {
  /** QEMU's image tool. */
  readonly imageTool: string;
  readonly layout: Layout;
  /** Aborts when the start is given up. */
  readonly stop: AbortSignal;
}

/** Makes the overlays that are not there yet; returns those it made. What it throws leaves none of them. */
export async function makeOverlays(
  { uid, name, spec }: DomainPlan,
  maker: OverlayMaker,
): Promise<string[]> {
  const made: string[] = [];
  try {
    for (const [index, disk] of spec.disks.entries()) {
      const overlay = maker.layout.overlay(uid, index);
      if (disk.base === undefined || await statOrNull(overlay) !== null) {
        continue;
      }
      made.push(overlay);
      await makeOverlay(overlay, disk, name, maker);
    }
  } catch (error) {
    for (const path of made) await removeIfThere(path);
    throw error;
  }
  return made;
}

async function makeOverlay(
  overlay: string,
  disk: DiskSpec,
  name: string,
  maker: OverlayMaker,
): Promise<void> {
  const base = baseOf(disk);
  const failed = (why: string) =>
    new UsherError(
      "driver_failed",
      `Cannot start VM "${name}": cannot make an overlay on ${disk.base}: ${why}`,
    );
  const size = disk.sizeMiB === undefined ? [] : [`${disk.sizeMiB}M`];
  if (disk.sizeMiB !== undefined) {
    const bytes = await virtualSize(base, maker, failed);
    if (disk.sizeMiB * 1024 * 1024 < bytes) {
      throw new UsherError(
        "invalid_input",
        `Cannot start VM "${name}": an overlay of ${disk.sizeMiB} MiB cannot hold ${disk.base}, which has ${
          Math.ceil(bytes / 1024 / 1024)
        } MiB`,
        { field: "spec.disks" },
      );
    }
  }
  await runTool(maker, [
    ...["create", "-q", "-f", "qcow2", "-F", disk.format, "-b", base],
    ...[overlay, ...size],
  ], failed);
}

/** The base, as JSON for the reasons told in command_line.ts; with its format, so that it is not guessed from what a guest wrote. */
function baseOf({ base = "", format }: DiskSpec): string {
  const file = fileNode(base, isBlockDevice(base));
  return `json:${JSON.stringify({ driver: format, file })}`;
}

async function virtualSize(
  base: string,
  maker: OverlayMaker,
  failed: (why: string) => UsherError,
): Promise<number> {
  const args = ["info", "--force-share", "--output=json", base];
  const { stdout } = await runTool(maker, args, failed);
  return Number(JSON.parse(stdout)["virtual-size"]);
}

async function runTool(
  { imageTool, stop }: OverlayMaker,
  args: readonly string[],
  failed: (why: string) => UsherError,
): Promise<CommandResult> {
  const result = await runCommand(imageTool, args, DEADLINE_MS, stop);
  if (result.code === 0) return result;
  throw failed(
    result.timedOut
      ? `${imageTool} did not end within ${DEADLINE_MS} ms`
      : result.stderr.trim().replace(/^\S*qemu-img: /, ""),
  );
}

/** qemu-img lies beside the emulator, or where PATH finds it. */
export function imageToolOf(binary: string): string {
  const beside = binary.replace(/[^/]*$/, "qemu-img");
  return binary.includes("/") && findFileProblem(beside, false) === null
    ? beside
    : "qemu-img";
}
