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
import { guestLog } from "./layout.ts";
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
 * would create it anew. Looks until there is none. Throws `unavailable`.
 */
export async function destroyAll(
  { xl, looks, config }: XenEnvironment,
  uid: string,
  name: string,
): Promise<void> {
  const until = systemClock.monotonic() + config.verb_timeout;
  let said = "";
  for (;;) {
    endMonitors(uid);
    const rows = rowsOf(await looks.fresh(), uid);
    if (rows.length === 0) return;
    for (const { domid } of rows) {
      const { done, words } = await xl.act("destroy", String(domid));
      if (!done) said = words;
    }
    if (systemClock.monotonic() > until) break;
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
    const { consoleName, name } = domain.handle;
    for (const its of new Set([consoleName, name])) {
      for (
        const path of [guestLog(layout, its), `${guestLog(layout, its)}.1`]
      ) {
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
