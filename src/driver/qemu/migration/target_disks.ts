/**
 * The disks of a domain that comes in: made empty, of the size that the guest
 * sees, where nothing was before.
 *
 * A user's file is made under a name of the migration's own and then linked to
 * the name that the user gave, which fails when there is anything. Both names
 * stay until the domain is here for good. So at any moment it can be told
 * whether what the user's name leads to was made here, and only that is ever
 * removed again.
 *
 * @module
 */
import { messageOf, UsherError } from "../../../error/mod.ts";
import type { DiskSpec } from "../../../schema/vm.ts";
import { removeIfThere, statOrNull } from "../../../sys/file.ts";
import { fileIdentity } from "../../../sys/file_access.ts";
import { linkIfFree } from "../../../sys/file_system.ts";
import { refuseNoRoom } from "../../disk_room.ts";
import type { DomainPlan } from "../../driver.ts";
import type { QemuEnvironment } from "../environment.ts";
import { ImageTool } from "../../image_tool.ts";
import { baseOf } from "../../overlays.ts";
import { sentDisks } from "./fate.ts";
import type { Sameness } from "./sameness.ts";
import type { MadeFile, Offer, OfferedDisk, Ticket } from "./record.ts";

/** A disk to be made. */
interface Wanted {
  readonly offered: OfferedDisk;
  readonly disk: DiskSpec;
  /** Where QEMU finds it. */
  readonly path: string;
  readonly sync: "full" | "top";
  /** Null for an overlay. */
  readonly made: MadeFile | null;
}

/** The disks of one domain that comes in. */
export class TargetDisks {
  readonly #env: QemuEnvironment;
  readonly #plan: DomainPlan;
  readonly #wanted: readonly Wanted[];

  private constructor(
    env: QemuEnvironment,
    plan: DomainPlan,
    wanted: readonly Wanted[],
  ) {
    this.#env = env;
    this.#plan = plan;
    this.#wanted = wanted;
  }

  /** Looks whether they can be made, and how. Nothing is made yet. */
  static async plan(
    env: QemuEnvironment,
    plan: DomainPlan,
    offer: Offer,
    id: string,
    sameness: Sameness,
  ): Promise<TargetDisks> {
    const wanted: Wanted[] = [];
    for (const { index, disk, fate } of sentDisks(plan.spec.disks)) {
      const offered = offer.disks.find((its) => its.index === index);
      if (offered === undefined) throw cannot(plan, `disk ${index} is missing`);
      if (fate === "overlay") {
        const isThere = disk.shared ||
          await sameness.holds(disk.base ?? "", offered.base);
        wanted.push({
          offered,
          disk,
          path: env.layout.overlay(plan.uid, index),
          sync: isThere ? "top" : "full",
          made: null,
        });
      } else {
        const path = disk.path ?? "";
        const made = { own: `${path}.usher-${id.toLowerCase()}`, path };
        wanted.push({ offered, disk, path, sync: "full", made });
      }
    }
    const disks = new TargetDisks(env, plan, wanted);
    await disks.#checkFree();
    await disks.#checkRoom();
    return disks;
  }

  /** Files in users' folders, to be kept in mind before `make`. */
  get made(): MadeFile[] {
    return this.#wanted.flatMap(({ made }) => made ?? []);
  }

  get sent(): Ticket["disks"] {
    return this.#wanted.map(({ offered: { index }, sync }) => ({
      index,
      sync,
      export: `disk${index}`,
    }));
  }

  /** Makes them, empty. */
  async make(stop: AbortSignal): Promise<void> {
    const tool = new ImageTool(this.#env.config.binary, stop);
    for (const { offered, disk, path, sync, made } of this.#wanted) {
      const format = made === null ? "qcow2" : disk.format;
      const base = sync === "top"
        ? ["-F", disk.format, "-b", baseOf(disk)]
        : [];
      await tool.run([
        ...["create", "-q", "-f", format, ...base],
        ...[made?.own ?? path, String(offered.virtualBytes)],
      ]).catch((error) => {
        stop.throwIfAborted();
        throw cannot(this.#plan, `cannot make ${path}: ${messageOf(error)}`);
      });
      if (made === null) continue;
      if (!await this.#link(made)) {
        throw taken(this.#plan, path, this.#env.node);
      }
    }
  }

  async #link({ own, path }: MadeFile): Promise<boolean> {
    try {
      return await linkIfFree(own, path);
    } catch (error) {
      throw cannot(this.#plan, `cannot make ${path}: ${messageOf(error)}`);
    }
  }

  async #checkFree(): Promise<void> {
    const { node } = this.#env;
    for (const { path } of this.#wanted) {
      if (await statOrNull(path) !== null) throw taken(this.#plan, path, node);
    }
  }

  #checkRoom(): Promise<void> {
    const disks = this.#wanted.map(({ offered, path, sync }) => ({
      path,
      bytes: offered.ownBytes + (sync === "full" ? offered.baseBytes : 0),
    }));
    return refuseNoRoom(
      { name: this.#plan.name, node: this.#env.node },
      disks,
    );
  }
}

/** Removes what was made of users' files, and only that. */
export async function removeMade(made: readonly MadeFile[]): Promise<void> {
  for (const { own, path } of made) {
    const identity = fileIdentity(own);
    if (identity !== null && fileIdentity(path) === identity) {
      await removeIfThere(path);
    }
    await removeIfThere(own);
  }
}

/** Lets the files that were made be the user's alone. */
export async function keepMade(made: readonly MadeFile[]): Promise<void> {
  for (const { own } of made) await removeIfThere(own);
}

function taken(plan: DomainPlan, path: string, node: string): UsherError {
  return new UsherError(
    "already_exists",
    `Cannot move VM "${plan.name}" to node "${node}": there is a file ${path} already`,
    {
      field: "spec.disks",
      hint:
        "Mark the disk as shared if every node sees the same file; else move that file away.",
    },
  );
}

function cannot({ name }: DomainPlan, why: string): UsherError {
  return new UsherError("driver_failed", `Cannot move VM "${name}": ${why}`);
}
