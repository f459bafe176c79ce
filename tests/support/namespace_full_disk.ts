/**
 * A program that lets a guest fill the file system on which its overlay lies:
 * run by `in_namespace.sh`, where it may mount a small one.
 *
 * @module
 */
import type { DomainReport } from "../../src/driver/driver.ts";
import {
  noAbort,
  powerOff,
  untilState,
} from "../conformance/driver/harness.ts";
import { GUEST, QemuNode } from "./qemu_node.ts";

/** What was seen of it. */
export interface FullDisk {
  readonly full: Pick<DomainReport, "state" | "reason">;
  readonly resumed: Pick<DomainReport, "state" | "reason">;
  /** The guest's write came to its end after all. */
  readonly written: boolean;
}

const BOOT_MS = 240_000;

async function mount(options: string, folder: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", options, "tmpfs", folder],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function fillDisk(): Promise<FullDisk> {
  await using node = await QemuNode.open();
  await mount("size=3M", node.layout.overlays);
  const plan = node.planGuest("", {
    disks: [{ base: `${GUEST}/disk.raw`, format: "raw" }],
  });
  const { uid } = plan;
  await node.driver.start(plan, noAbort());
  await node.untilPrinted(uid, "usher-guest ready", BOOT_MS);
  const line = "dd if=/dev/zero of=/dev/vda bs=64k count=100 conv=fsync";
  await node.say(uid, `${line}; echo over-$((1))`, "echo over");
  const full = await untilState(node, uid, "paused");
  await mount("remount,size=64M", node.layout.overlays);
  const resumed = await node.driver.pausing!.resume(uid, noAbort());
  await node.untilPrinted(uid, "over-1");
  const written = !(await node.printed(uid)).includes("error");
  await powerOff(node, uid);
  await new Deno.Command("umount", { args: [node.layout.overlays] }).output();
  const pick = ({ state, reason }: DomainReport) => ({ state, reason });
  return { full: pick(full), resumed: pick(resumed), written };
}

if (import.meta.main) console.log(JSON.stringify(await fillDisk()));
