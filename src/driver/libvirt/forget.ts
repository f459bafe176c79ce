/**
 * Removing what the driver and libvirt keep of a domain, and nothing else.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { listFolder, removeIfThere } from "../../sys/file.ts";
import type { Domain } from "./domain.ts";
import type { LibvirtEnvironment } from "./environment.ts";
import type { Layout } from "./layout.ts";

/** Removes all that there is of it; one that usher has adopted stays defined where it was. */
export async function removeTraces(
  env: LibvirtEnvironment,
  domain: Domain,
): Promise<void> {
  const { uid, adopted } = domain.handle;
  await domain.settled();
  if (adopted?.persistent !== true) await removeFromLibvirt(env, domain);
  await removeFiles(env.layout, uid);
}

/** Has libvirt forget it, with what it was saved as; its disks stay. */
export async function removeFromLibvirt(
  { virsh }: LibvirtEnvironment,
  { uuid, handle }: Pick<Domain, "uuid" | "handle">,
): Promise<void> {
  await virsh.act(["destroy", uuid]);
  const refusal = await virsh.act([
    "undefine",
    uuid,
    "--managed-save",
    "--snapshots-metadata",
    "--checkpoints-metadata",
    "--nvram",
  ]);
  if (refusal === null || isUnknown(refusal)) return;
  throw new UsherError(
    "driver_failed",
    `Cannot forget VM "${handle.name}": ${refusal}`,
  );
}

/** Whether virsh says that there is no such domain. */
export function isUnknown(refusal: string): boolean {
  return /failed to get domain|Domain not found|no domain with matching/i
    .test(refusal);
}

/** Removes every file of a domain. */
export async function removeFiles(layout: Layout, uid: string): Promise<void> {
  const { runDir, moves, definitions, logs, overlays, handles } = layout;
  // Handles last, so that a removal that was cut short can be done again.
  for (
    const folder of [runDir, moves, definitions, logs, overlays, handles]
  ) {
    for (const name of await listFolder(folder)) {
      if (name.startsWith(uid)) await removeIfThere(`${folder}/${name}`);
    }
  }
}
