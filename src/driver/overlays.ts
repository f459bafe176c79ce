/**
 * Overlays: qcow2 files of usher's own that take what a guest writes, on a
 * base image that stays as it is.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import type { DiskSpec, VmSpec } from "../schema/vm.ts";
import { removeIfThere, statOrNull } from "../sys/file.ts";
import { isBlockDevice } from "../sys/file_access.ts";
import type { DomainPlan } from "./driver.ts";
import type { ImageTool } from "./image_tool.ts";
import { hasBackingFile } from "./qcow2.ts";

/** Where a driver keeps its overlays. */
export interface OverlayPlaces {
  /** The overlay of a domain's disk number `index`. */
  overlay(uid: string, index: number): string;
}

/** Where overlays come from. */
export interface OverlayMaker {
  readonly imageTool: ImageTool;
  readonly layout: OverlayPlaces;
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
    const bytes = await maker.imageTool.info(base).then(
      (info) => info["virtual-size"],
      (error) => {
        throw failed(messageOf(error));
      },
    );
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
  await maker.imageTool.run([
    ...["create", "-q", "-f", "qcow2", "-F", disk.format, "-b", base],
    ...[overlay, ...size],
  ]).catch((error) => {
    throw failed(messageOf(error));
  });
}

/** The base, as JSON, so that a path is never taken for a protocol; with its format, so that it is not guessed from what a guest wrote. */
export function baseOf({ base = "", format }: DiskSpec): string {
  const file = fileNode(base, isBlockDevice(base));
  return `json:${JSON.stringify({ driver: format, file })}`;
}

/** The spec as it is to be looked at: an overlay that was sent here whole needs no base any more. */
export async function withoutBases(
  { uid, spec }: Pick<DomainPlan, "uid" | "spec">,
  layout: OverlayPlaces,
): Promise<VmSpec> {
  const disks = await Promise.all(spec.disks.map(async (disk, index) => {
    if (disk.base === undefined) return disk;
    const path = layout.overlay(uid, index);
    const isWhole = await statOrNull(path) !== null &&
      await hasBackingFile(path) === false;
    if (!isWhole) return disk;
    const { base: _, ...rest } = disk;
    return { ...rest, path, format: "qcow2" as const };
  }));
  return { ...spec, disks };
}

/** What QEMU opens under a disk's format: a file, or a volume of the node. */
export function fileNode(
  filename: string,
  isDevice: boolean,
): { driver: string; filename: string } {
  return { driver: isDevice ? "host_device" : "file", filename };
}
