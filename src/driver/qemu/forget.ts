/**
 * Removing what the driver kept of a domain, and nothing else.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { listFolder, removeIfThere } from "../../sys/file.ts";
import type { Domain } from "./domain.ts";
import type { Layout } from "./layout.ts";

/** Removes all that there is of `uid`. Throws `wrong_state` while `domain` runs. */
export async function removeTraces(
  layout: Layout,
  uid: string,
  domain: Domain | undefined,
): Promise<void> {
  if (domain !== undefined && domain.process !== null) {
    throw new UsherError(
      "wrong_state",
      `Cannot forget VM "${domain.handle.name}": it is ${domain.report().state}`,
    );
  }
  await domain?.settled();
  await removeAll(layout, uid);
}

/** Removes every file of a domain that has no process. */
export async function removeAll(layout: Layout, uid: string): Promise<void> {
  const { runDir, logs, overlays, handles } = layout;
  // Handles last, so that a removal that was cut short can be done again.
  for (const folder of [runDir, logs, overlays, handles]) {
    for (const name of await listFolder(folder)) {
      if (name.startsWith(uid)) await removeIfThere(`${folder}/${name}`);
    }
  }
}

/** Removes what only a living QEMU needs. */
export async function removeRunFiles({ files }: Domain): Promise<void> {
  for (const path of [...files.monitors, files.serial, files.pidFile]) {
    await removeIfThere(path);
  }
}
