/**
 * Pausing, which Xen counts: a domain paused twice goes on only after it was
 * let go twice. So it is looked at before it is paused, and let go until it
 * is seen to go on.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { systemClock } from "../../sys/clock.ts";
import type { Domain } from "./domain.ts";
import type { XenEnvironment } from "./environment.ts";

const LOOK_MS = 300;

/** Others may have paused it many times; more than this is somebody who pauses it now. */
const MAX_TRIES = 16;

/** Makes `domain` stand still or go on, and looks whether it does. Throws `wrong_state` when it does not run. */
export async function setPaused(
  { xl, looks }: XenEnvironment,
  domain: Domain,
  paused: boolean,
): Promise<void> {
  const verb = paused ? "pause" : "unpause";
  let said = "";
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    await looks.fresh();
    const { row, isLive, handle } = domain;
    if (row === null || !isLive || row.shutdown || !handle.created) {
      throw new UsherError(
        "wrong_state",
        `Cannot ${
          paused ? "pause" : "resume"
        } VM "${handle.name}": it is ${domain.report().state}`,
      );
    }
    if (domain.isBeingRebuilt) {
      await systemClock.sleep(LOOK_MS);
      continue;
    }
    if (row.paused === paused) return domain.publish();
    const { done, words } = await xl.act(verb, String(row.domid));
    if (!done) said = words;
  }
  throw new UsherError(
    "driver_failed",
    `Cannot ${
      paused ? "pause" : "resume"
    } VM "${domain.handle.name}": Xen does not do it${
      said === "" ? "" : `; xl said: ${said}`
    }`,
  );
}
