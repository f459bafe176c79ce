/**
 * Disks that go with their domain, since no other node sees them.
 *
 * libvirt copies what they hold, all of it, into images that the target has made
 * before: an overlay becomes an image that stands on no base. A user's file keeps
 * its path, where nothing may be at the target, and stays at the source under
 * another name.
 *
 * @module
 */
import { z } from "zod";
import { messageOf, UsherError } from "../../../error/mod.ts";
import type { DiskSpec, VmSpec } from "../../../schema/vm.ts";
import {
  removeIfThere,
  renameDurably,
  statOrNull,
  writeSynced,
} from "../../../sys/file.ts";
import { isBlockDevice } from "../../../sys/file_access.ts";
import { refuseNoRoom } from "../../disk_room.ts";
import { ImageTool } from "../../image_tool.ts";
import { cannotMove } from "../../refusals.ts";
import { diskTarget } from "../domain_xml.ts";
import type { LibvirtEnvironment } from "../environment.ts";
import { withoutBases } from "../../overlays.ts";
import { openWay } from "../overlay_way.ts";
import type { Image } from "./images.ts";

/** A disk that goes with its domain, as the source has it. */
export const MovedDisk = z.object({
  /** Its place in the spec. */
  index: z.int(),
  /** What the guest sees. */
  bytes: z.number(),
  /** What of it holds something, and takes room at the target. */
  ownBytes: z.number().default(0),
});
export type MovedDisk = z.infer<typeof MovedDisk>;

/** Whether a disk stays where it is, since the other node has it too. */
export function stays({ shared, readonly, base }: DiskSpec): boolean {
  return shared || (readonly && base === undefined);
}

/** What libvirt calls those that go. */
export function targetsOf(disks: readonly MovedDisk[]): string {
  return disks.map(({ index }) => diskTarget(index)).join(",");
}

/** Where disk number `index` of a domain lies on this node. */
function placeOf(
  { layout }: LibvirtEnvironment,
  uid: string,
  { disks }: VmSpec,
  index: number,
): string {
  return disks[index]?.path ?? layout.overlay(uid, index);
}

/** The images of disks that go, or come: at the target those that were made for them. */
export function imagesOf(
  env: LibvirtEnvironment,
  { uid, spec }: { readonly uid: string; readonly spec: VmSpec },
  disks: readonly MovedDisk[],
): Image[] {
  return disks.map(({ index }) => ({
    index,
    path: placeOf(env, uid, spec, index),
    format: formatOf(spec.disks[index]),
  }));
}

/** An overlay is always qcow2. */
function formatOf(disk: DiskSpec | undefined): string {
  return disk?.path === undefined ? "qcow2" : disk.format;
}

/** The disks that go with a domain. Throws `unsupported` for one that cannot. */
export async function movedDisks(
  env: LibvirtEnvironment,
  { uid, name }: { readonly uid: string; readonly name: string },
  spec: VmSpec,
): Promise<MovedDisk[]> {
  const tool = new ImageTool("qemu-img", env.closing);
  const moved: MovedDisk[] = [];
  const { disks } = await withoutBases({ uid, spec }, env.layout);
  for (const [index, disk] of disks.entries()) {
    if (stays(spec.disks[index] ?? disk)) continue;
    const path = disk.path ?? env.layout.overlay(uid, index);
    if (isBlockDevice(path)) {
      throw cannotMove(name, `${path} is a device of its node's own`);
    }
    const look = (image: string, format: string) =>
      tool.info(image, format).catch((error) => {
        throw new UsherError(
          "driver_failed",
          `Cannot move VM "${name}": cannot look at ${image}: ${
            messageOf(error)
          }`,
          { cause: error },
        );
      });
    const info = await look(path, formatOf(disk));
    const under = disk.base === undefined
      ? 0
      : (await look(disk.base, disk.format))["actual-size"];
    moved.push({
      index,
      bytes: info["virtual-size"],
      ownBytes: info["actual-size"] + under,
    });
  }
  return moved;
}

/** Images by their place in the spec. */
export type Images = Readonly<Record<string, string>>;

/**
 * Makes images for what comes, where nothing was before. `note` keeps what is
 * about to be made, so that no crash leaves a file that nobody knows of.
 */
export async function makeImages(
  env: LibvirtEnvironment,
  { uid, name, spec }: {
    readonly uid: string;
    readonly name: string;
    readonly spec: VmSpec;
  },
  disks: readonly MovedDisk[],
  note: (made: Images) => Promise<void>,
): Promise<void> {
  const tool = new ImageTool("qemu-img", env.closing);
  await refuseNoRoom(
    { name, node: env.node },
    disks.map(({ index, ownBytes }) => ({
      path: placeOf(env, uid, spec, index),
      bytes: ownBytes,
    })),
  );
  if (disks.length > 0) await openWay(env.layout);
  let made: Images = {};
  for (const { index, bytes } of disks) {
    const path = placeOf(env, uid, spec, index);
    if (await statOrNull(path) !== null) {
      throw new UsherError(
        "already_exists",
        `Cannot take in VM "${name}": ${path} is there already on node "${env.node}"`,
      );
    }
    const before = made;
    made = { ...made, [index]: path };
    await note(made);
    try {
      await writeSynced(path, new Uint8Array());
    } catch (error) {
      await note(before); // it is somebody else's, or is not at all
      throw cannotMake(name, path, error);
    }
    const format = formatOf(spec.disks[index]);
    await tool.run(["create", "-q", "-f", format, path, String(bytes)])
      .catch((error) => {
        throw cannotMake(name, path, error);
      });
  }
}

function cannotMake(name: string, path: string, error: unknown): UsherError {
  return new UsherError(
    "driver_failed",
    `Cannot take in VM "${name}": cannot make ${path}: ${messageOf(error)}`,
    { cause: error },
  );
}

/** Removes what `makeImages` has made. */
export async function removeImages(
  made: Images,
): Promise<void> {
  for (const path of Object.values(made)) await removeIfThere(path);
}

/** Puts users' files aside whose content is at another node now. */
export async function putAside(
  { disks }: VmSpec,
  id: string,
): Promise<void> {
  for (const disk of disks) {
    if (stays(disk) || disk.path === undefined) continue;
    if (await statOrNull(disk.path) === null) continue;
    await renameDurably(disk.path, `${disk.path}.moved-${id}`);
  }
}
