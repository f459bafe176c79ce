/**
 * Ending whatever there is of a domain, and removing what was kept of it.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { listFolder, removeIfThere } from "../../sys/file.ts";
import { systemClock } from "../../sys/clock.ts";
import { uuidOfUid } from "../identity.ts";
import type { Domain } from "./domain.ts";
import type { XenEnvironment } from "./environment.ts";
import { guestLogs } from "./layout.ts";
import type { Row } from "./listing.ts";
import { endMonitors } from "./processes.ts";

const LOOK_MS = 200;

/** The domains of this uid that Xen has; those that are on their way out are none. */
export function rowsOf(rows: readonly Row[], uid: string): Row[] {
  const uuid = uuidOfUid(uid);
  return rows.filter((row) => row.uuid === uuid && !row.dying);
}

/**
 * Ends every domain of `uid`, one half created too, and the processes that
 * would create it anew. Looks until there is none; `seen` is what a look has
 * shown just now, to spare one. Throws `unavailable`.
 */
export async function destroyAll(
  { xl, looks, config }: XenEnvironment,
  uid: string,
  name: string,
  seen?: readonly Row[],
): Promise<void> {
  // One that is made anew just now would not be among them.
  let known = seen !== undefined && rowsOf(seen, uid).length > 0
    ? seen
    : undefined;
  const until = systemClock.monotonic() + config.verb_timeout;
  let said = "";
  for (let tries = 0;; tries++) {
    endMonitors(uid);
    const rows = rowsOf(known ?? await looks.fresh(), uid);
    known = undefined;
    if (rows.length === 0) return;
    // What took its time may have worked all the same: looked at last of all.
    if (tries > 0 && systemClock.monotonic() > until) break;
    for (const { domid } of rows) {
      const { done, words } = await xl.act("destroy", String(domid));
      if (!done) said = words;
    }
    if (said !== "") await systemClock.sleep(LOOK_MS);
  }
  throw new UsherError(
    "unavailable",
    `Cannot end VM "${name}": Xen has its domain still${
      said === "" ? "" : `; xl said: ${said}`
    }`,
  );
}

/** Removes every trace of a domain that is not there. The handle goes last, so that a removal cut short can be done again. */
export async function removeTraces(
  { layout, store }: XenEnvironment,
  uid: string,
  domain: Domain | undefined,
): Promise<void> {
  if (domain !== undefined) {
    for (const log of guestLogs(layout, domain.handle.name)) {
      for (const path of [log, `${log}.1`]) {
        await removeIfThere(path).catch(() => {});
      }
    }
  }
  await store.unmark(uid);
  const { moves, logs, configs, handles } = layout;
  for (const folder of [moves, logs, configs, handles]) {
    for (const name of await listFolder(folder)) {
      if (name.startsWith(uid)) await removeIfThere(`${folder}/${name}`);
    }
  }
}
