/**
 * Removing what the driver kept of a domain, and nothing else.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { listFolder, removeIfThere } from "../../sys/file.ts";
import { logPaths } from "../../sys/log_file.ts";
import type { Domain } from "./domain.ts";
import { removeRunFiles } from "./launch.ts";
import type { Layout } from "./layout.ts";

/** Removes logs, overlays and handle of `uid`. Throws `wrong_state` while `domain` runs. */
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
  if (domain !== undefined) await removeRunFiles(domain);
  const { consoleLog, qemuLog, handle } = layout.files(uid);
  for (const path of [...logPaths(consoleLog), ...logPaths(qemuLog)]) {
    await removeIfThere(path);
  }
  for (const name of await listFolder(layout.overlays)) {
    if (name.startsWith(`${uid}-`)) {
      await removeIfThere(`${layout.overlays}/${name}`);
    }
  }
  // Last, so that a forget that was cut short can be done again.
  await removeIfThere(handle);
}
