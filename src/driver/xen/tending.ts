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
import { News } from "../news.ts";
import type { XenEnvironment } from "./environment.ts";

const POLL_MS = 5000;
const POLL_UNTOLD_MS = 1000;
/** A host that cannot be asked is asked again so often. */
const POLL_FAILED_MS = 10_000;
const SOON_MS = 500;
const REWATCH_MS = 1000;
const REWATCH_MISSING_MS = 60_000;

/** Looks after the host until the driver closes. */
export class Tending {
  readonly #env: XenEnvironment;
  readonly #news = new News();
  #watch: OwnedChild | null = null;
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
      // What was told meanwhile may be newer than that look.
      if (!this.#isDue) await this.#news.next(this.#pause(), closing);
    }
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
