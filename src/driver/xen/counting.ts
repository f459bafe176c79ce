/**
 * Counting the guests that a node has left, for whoever is about to remove
 * usher; nothing is begun for it.
 *
 * @module
 */
import { XenConfig } from "../../schema/config.ts";
import { uuidOfUid } from "../identity.ts";
import { loadHandles } from "./handle.ts";
import { layOut } from "./layout.ts";
import { Xl } from "./xl.ts";

/** How many domains with a handle in this folder Xen has. Throws when Xen cannot be asked; without handles it is not. */
export async function countXenGuests(
  stateDir: string,
  config: unknown,
): Promise<number> {
  const { handles } = await loadHandles(layOut(stateDir));
  if (handles.length === 0) return 0;
  const { xl, verb_timeout } = XenConfig.parse(config ?? {});
  const rows = await new Xl({ program: xl, deadlineMs: verb_timeout })
    .list(new AbortController().signal);
  const ours = new Set(handles.map(({ uid }) => uuidOfUid(uid)));
  return rows.filter(({ uuid, dying, shutdown }) =>
    ours.has(uuid) && !dying && !shutdown
  ).length;
}
