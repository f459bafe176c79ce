/**
 * Reports: what drivers notice by themselves, told when it is news.
 *
 * While an act on a domain runs, its result will tell; a report of the same
 * domain waits a moment for that, and is dropped when the result said the
 * same. So a start is one message, and a slow boot still shows as `starting`.
 * Where the two differ nobody knows which is newer, so the driver is asked.
 *
 * @module
 */
import { messageOf } from "../error/mod.ts";
import type { Driver } from "../driver/driver.ts";
import { type DomainFrame, domainKey } from "../schema/frame.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import { type DriverSet, frameOf } from "./driver_set.ts";

/** How long a report waits for the result of the act that caused it. */
const HOLD_MS = 200;

const REWATCH_MS = 1000;

interface Held {
  readonly frame: DomainFrame;
  readonly timer: Disposable;
}

/** Gathers what drivers report. */
export class Reports {
  readonly #send: (frames: DomainFrame[]) => void;
  readonly #look: (frame: DomainFrame) => Promise<DomainFrame>;
  readonly #clock: Clock;
  readonly #busy = new Map<string, number>();
  readonly #held = new Map<string, Held>();
  /** What leaves together, the newest of each domain alone. */
  #batch = new Map<string, DomainFrame>();

  /** `look` answers with the domain of a frame as it is now. */
  constructor(
    send: (frames: DomainFrame[]) => void,
    look: (frame: DomainFrame) => Promise<DomainFrame>,
    clock: Clock,
  ) {
    this.#send = send;
    this.#look = look;
    this.#clock = clock;
  }

  /** An act on `uid` began, or ended with `domain` in its result. */
  busy(uid: string, isBusy: boolean, domain: DomainFrame | null): void {
    const count = (this.#busy.get(uid) ?? 0) + (isBusy ? 1 : -1);
    if (count > 0) this.#busy.set(uid, count);
    else this.#busy.delete(uid);
    const held = this.#held.get(uid);
    if (isBusy || count > 0 || held === undefined) return;
    this.#drop(uid, held);
    if (domain === null) this.#push(held.frame);
    else if (!isSame(domain, held.frame)) void this.#lookAgain(held.frame);
  }

  async #lookAgain(frame: DomainFrame): Promise<void> {
    try {
      this.add(await this.#look(frame));
    } catch {
      this.add(frame); // better than nothing, and the next report corrects it
    }
  }

  /** A driver reports a domain. */
  add(frame: DomainFrame): void {
    const { uid } = frame;
    if (uid === null || !this.#busy.has(uid)) return this.#push(frame);
    const held = this.#held.get(uid);
    held?.timer[Symbol.dispose]();
    const timer = this.#clock.after(HOLD_MS, () => {
      this.#held.delete(uid);
      this.#push(frame);
    });
    this.#held.set(uid, { frame, timer });
  }

  /** Follows what `driver`, one of `drivers`, notices until `signal` aborts. */
  async follow(
    driver: Driver,
    drivers: Pick<DriverSet, "told">,
    log: Log,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const report of driver.watch(signal)) {
          this.add(
            report.uid === null
              ? await drivers.told(driver, report, signal)
              : frameOf(driver.name, report),
          );
        }
      } catch (error) {
        if (signal.aborted) return;
        log.warn("watching a driver broke off", {
          driver: driver.name,
          error: messageOf(error),
        });
      }
      await this.#clock.sleep(REWATCH_MS, signal).catch(() => {});
    }
  }

  #drop(uid: string, held: Held): void {
    held.timer[Symbol.dispose]();
    this.#held.delete(uid);
  }

  #push(frame: DomainFrame): void {
    this.#batch.set(domainKey(frame), frame);
    if (this.#batch.size > 1) return;
    queueMicrotask(() => {
      const frames = [...this.#batch.values()];
      this.#batch = new Map();
      this.#send(frames);
    });
  }
}

function isSame(a: DomainFrame, b: DomainFrame): boolean {
  return a.state === b.state && a.incarnation === b.incarnation &&
    a.generation === b.generation;
}
