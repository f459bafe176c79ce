/**
 * Asking a guest to shut down, for as long as it is given.
 *
 * `xl shutdown` waits until the guest has heard it, which a deaf one never
 * does; it then takes the question back and says so, after a minute. So it is
 * not waited for: what counts is that the domain has shut down.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import { systemClock } from "../../sys/clock.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";
import type { DomainReport } from "../driver.ts";
import { disobeyed } from "../refusals.ts";
import { untilAborted } from "../turns.ts";
import type { Domain } from "./domain.ts";
import type { XenEnvironment } from "./environment.ts";

/** A guest that took the question and did nothing is asked again so often. */
const ASK_EVERY_MS = 5000;

/** Waits until the guest has shut down. Throws `timed_out` when it does not obey; it runs on. */
export async function shutDown(
  env: XenEnvironment,
  domain: Domain,
  graceMs: number,
  signal: AbortSignal,
): Promise<DomainReport> {
  if (!domain.isLive) return domain.report();
  const over = AbortSignal.timeout(graceMs);
  using either = new JoinedSignal(over, signal);
  const asking = new Asking(env, domain);
  domain.phase = "stopping";
  try {
    while (domain.handle.ending === null) {
      await untilAborted(domain.changed, either.signal);
    }
    return domain.report();
  } catch (error) {
    signal.throwIfAborted();
    if (!over.aborted) throw error;
    const { said } = asking;
    throw disobeyed(domain, graceMs, said === "" ? "" : `; xl said: ${said}`);
  } finally {
    asking[Symbol.dispose]();
    if (domain.phase === "stopping") domain.phase = "idle";
  }
}

/** Asks again and again, one question at a time. */
class Asking implements Disposable {
  /** What xl said last; empty while it said nothing. */
  said = "";
  readonly #stop = new AbortController();

  constructor({ xl, log }: XenEnvironment, domain: Domain) {
    void (async () => {
      while (!this.#stop.signal.aborted) {
        const { row } = domain;
        if (row !== null && !row.shutdown && !row.paused) {
          const { done, words } = await xl.act(
            "shutdown",
            "-F",
            String(row.domid),
          );
          this.said = done ? "" : words;
        }
        await systemClock.sleep(ASK_EVERY_MS, this.#stop.signal).catch(
          () => {},
        );
      }
    })().catch((error) => {
      this.said = messageOf(error);
      log("warn", "cannot ask a guest to shut down", {
        uid: domain.handle.uid,
        error,
      });
    });
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}
