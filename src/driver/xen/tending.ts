/**
 * Noticing what happens on the host: the xenstore tells when a domain comes,
 * shuts down or goes, and Xen is asked at once. What it does not tell, such as
 * a pause by hand, is found by asking every few seconds, and every second
 * while the xenstore tells nothing.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import { systemClock } from "../../sys/clock.ts";
import type { OwnedChild } from "../../sys/owned_child.ts";
import { readProcess } from "../../sys/process_table.ts";
import { News } from "../news.ts";
import type { XenEnvironment } from "./environment.ts";

const POLL_MS = 5000;
const POLL_UNTOLD_MS = 1000;
/** A host that cannot be asked is asked again so often. */
const POLL_FAILED_MS = 10_000;
const SOON_MS = 500;
const REWATCH_MS = 1000;
/** What xenstore-watch uses of a processor is nothing, unless it has lost its store. */
const SPINNING = 0.05;
const SPIN_MS = 2000;
const REWATCH_MISSING_MS = 60_000;

/** Looks after the host until the driver closes. */
export class Tending {
  readonly #env: XenEnvironment;
  readonly #news = new News();
  #watch: OwnedChild | null = null;
  /** What the watch had used, and when that was looked at. */
  #used = { pid: 0, cpuSeconds: 0, at: 0 };
  #trouble = "";
  #isDue = false;

  constructor(env: XenEnvironment) {
    this.#env = env;
  }

  /** Looks again now; or, for what takes its time, in a moment. */
  async again(): Promise<void> {
    await systemClock.sleep(SOON_MS, this.#env.closing).catch(() => {});
    this.#ring();
  }

  /** Both loops, to their end. */
  async run(): Promise<void> {
    await Promise.all([this.#look(), this.#listen()]);
  }

  #ring(): void {
    this.#isDue = true;
    this.#news.ring();
  }

  async #look(): Promise<void> {
    const { closing, looks, log } = this.#env;
    while (!closing.aborted) {
      this.#isDue = false;
      try {
        await looks.fresh();
        if (this.#trouble !== "") log("info", "Xen answers again");
        this.#trouble = "";
      } catch (error) {
        const trouble = messageOf(error);
        if (trouble !== this.#trouble) log("warn", "cannot ask Xen", { error });
        this.#trouble = trouble;
      }
      this.#endIfSpinning();
      // What was told meanwhile may be newer than that look.
      if (!this.#isDue) await this.#news.next(this.#pause(), closing);
    }
  }

  /**
   * xenstore-watch does not end with its xenstore: it asks a connection that is
   * gone, as fast as it can, and tells nothing.
   */
  #endIfSpinning(): void {
    const stat = this.#watch === null ? null : readProcess(this.#watch.pid);
    if (stat === null) return;
    const { pid, cpuSeconds } = stat;
    const at = systemClock.monotonic();
    const ms = at - this.#used.at;
    if (this.#used.pid === pid && ms < SPIN_MS) return;
    const usedMs = (cpuSeconds - this.#used.cpuSeconds) * 1000;
    if (this.#used.pid === pid && usedMs > SPINNING * ms) {
      this.#env.log("warn", "xenstore-watch has lost its xenstore");
      this.#watch?.kill();
    }
    this.#used = { pid, cpuSeconds, at };
  }

  #pause(): number {
    if (this.#trouble !== "") return POLL_FAILED_MS;
    return this.#watch === null ? POLL_UNTOLD_MS : POLL_MS;
  }

  /** Keeps the xenstore's teller alive, which dies with the xenstore. */
  async #listen(): Promise<void> {
    const { closing, store, log } = this.#env;
    const end = () => this.#watch?.kill();
    closing.addEventListener("abort", end);
    while (!closing.aborted) {
      let pause = REWATCH_MS;
      try {
        this.#watch = store.watch(() => this.#ring());
        await this.#watch.exited;
        if (!closing.aborted) log("warn", "the xenstore tells nothing; asking");
      } catch (error) {
        pause = REWATCH_MISSING_MS;
        log("warn", "cannot hear the xenstore; Xen is asked each second", {
          error,
        });
      }
      this.#watch = null;
      await systemClock.sleep(pause, closing).catch(() => {});
    }
    closing.removeEventListener("abort", end);
  }
}
