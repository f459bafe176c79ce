/**
 * The way to overlays, for a QEMU that libvirt runs as another user than root.
 *
 * What lies beside it is private by its own modes; the folders let others
 * through, and tell nobody what is in them.
 *
 * @module
 */
import { dirname } from "node:path";
import { openToOthers } from "../../sys/file_access.ts";
import type { Layout } from "./layout.ts";

/** Lets others through to overlays, down from the LNM's own folder. */
export async function openWay({ home, overlays }: Layout): Promise<void> {
  for (const folder of [dirname(home), home, overlays]) {
    await openToOthers(folder);
  }
}
