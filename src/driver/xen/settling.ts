/**
 * What it means that a domain has shut down or is gone: its end, written down
 * and told before the evidence goes, or a reboot, which is xl's monitor's to
 * do, and the driver's where no monitor is left.
 *
 * @module
 */
import { isUsherError, messageOf } from "../../error/mod.ts";
import { systemClock } from "../../sys/clock.ts";
import type { Domain } from "./domain.ts";
import { endingOf } from "./domain_state.ts";
import type { XenEnvironment } from "./environment.ts";
import { explainGone, withLastWords } from "./evidence.ts";
import { create } from "./launch.ts";
import { monitorLog } from "./layout.ts";
import { REASON, type Row } from "./listing.ts";
import { endMonitors, hasMonitor } from "./processes.ts";
import { destroyAll } from "./undo.ts";

/** How long a monitor may take to make a domain anew that rebooted. */
const REBOOT_MS = 120_000;

/** Whether what Xen shows of a domain needs more than to be told. */
export function isUnsettled({ handle, row }: Domain): boolean {
  if (handle.move !== null) return false;
  if (handle.ending !== null) return row !== null && !row.shutdown;
  return row === null || row.shutdown || !handle.created;
}

/** Settles domains, each in its turn. */
export class Settling {
  readonly #env: XenEnvironment;
  /** Since when a domain is gone whose monitor is there. */
  readonly #goneSince = new Map<string, number>();

  constructor(env: XenEnvironment) {
    this.#env = env;
  }

  /** Acts on what was last seen of `domain`; answers whether it is to be looked at again soon. */
  async settle(domain: Domain): Promise<boolean> {
    const { handle, row } = domain;
    const { uid } = handle;
    if (row !== null) this.#goneSince.delete(uid);
    if (handle.ending !== null) {
      // Somebody has started it again past usher, or its end was cut short.
      await domain.keep({ ending: null, created: true });
      domain.publish();
      return false;
    }
    if (!handle.created) return await this.#settleStart(domain);
    if (row === null) return await this.#settleGone(domain);
    return await this.#settleShutdown(domain, row);
  }

  /** An earlier LNM began to start it, and did not see the end of that. */
  async #settleStart(domain: Domain): Promise<boolean> {
    const { handle: { uid, name }, row } = domain;
    const hasRun = row !== null && (!row.paused || row.cpuSeconds > 0);
    if (hasRun) {
      await domain.keep({ created: true });
      domain.publish();
      return row.shutdown;
    }
    if (this.#isWatched(domain)) return true;
    await destroyAll(this.#env, uid, name);
    await domain.keepEnding(
      await explainGone(this.#env, domain.handle, null),
    );
    return false;
  }

  async #settleGone(domain: Domain): Promise<boolean> {
    const { uid } = domain.handle;
    const now = systemClock.monotonic();
    const since = this.#goneSince.get(uid) ?? now;
    this.#goneSince.set(uid, since);
    if (this.#isWatched(domain) && now - since < REBOOT_MS) {
      domain.publish();
      return true;
    }
    this.#goneSince.delete(uid);
    endMonitors(uid);
    await domain.keepEnding(
      await explainGone(this.#env, domain.handle, domain.last),
    );
    return false;
  }

  async #settleShutdown(domain: Domain, row: Row): Promise<boolean> {
    const { handle } = domain;
    const ending = endingOf(row);
    if (ending !== null) {
      await domain.keepEnding(
        await withLastWords(this.#env, handle, ending),
      );
      const isKept = ending.state === "crashed" &&
        handle.spec?.xen.onCrash === "preserve";
      if (!isKept) {
        await destroyAll(this.#env, handle.uid, handle.name, [row]);
      }
      return false;
    }
    domain.publish();
    if (row.reason === REASON.suspend) return false;
    if (this.#isWatched(domain)) return true;
    await this.#reboot(domain);
    return false;
  }

  /** Whether an xl watches over it that makes it anew when it reboots. */
  #isWatched({ handle: { uid, name }, last }: Domain): boolean {
    // Its log has the name that the domain had when that xl began.
    return [name, last?.name ?? name].some((its) =>
      hasMonitor(uid, monitorLog(this.#env.layout, its))
    );
  }

  /** Does what its monitor would have done, which is not there any more. */
  async #reboot(domain: Domain): Promise<void> {
    const { uid, name } = domain.handle;
    const env = this.#env;
    env.log("info", "a guest reboots without its monitor", { uid });
    await destroyAll(env, uid, name);
    try {
      await create(env, domain, env.closing);
      await env.looks.fresh();
    } catch (error) {
      if (env.closing.aborted) throw error;
      await destroyAll(env, uid, name);
      const why = isUsherError(error) ? error.message : messageOf(error);
      await domain.keepEnding({
        state: "crashed",
        reason: `it did not come back from its reboot: ${why}`,
      });
    }
    domain.publish();
  }
}
