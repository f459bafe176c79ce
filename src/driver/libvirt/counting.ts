/**
 * Counting the guests that a node has left, for whoever is about to remove
 * usher; nothing is begun for it.
 *
 * @module
 */
import { LibvirtConfig } from "../../schema/config.ts";
import { uuidOfUid } from "../identity.ts";
import { isLive } from "./domain_state.ts";
import { loadHandles } from "./handle.ts";
import { layOut } from "./layout.ts";
import { lookAround } from "./sighting.ts";
import { Virsh } from "./virsh.ts";

/** How many domains with a handle in this folder are up. Throws when the daemon cannot be asked; without handles it is not. */
export async function countLibvirtGuests(
  stateDir: string,
  config: unknown,
): Promise<number> {
  const { handles } = await loadHandles(layOut(stateDir, stateDir));
  if (handles.length === 0) return 0;
  const { virsh, uri, verb_timeout } = LibvirtConfig.parse(config ?? {});
  const seen = await lookAround(
    new Virsh({ program: virsh, uri, timeoutMs: verb_timeout }),
  );
  return handles.filter(({ uid, uuid }) => {
    const sighting = seen.get(uuid ?? uuidOfUid(uid));
    return sighting !== undefined && isLive(sighting);
  }).length;
}
