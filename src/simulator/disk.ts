/**
 * The controller's disk: what was committed stays, whatever becomes of the
 * controller; it may be slow, or full.
 *
 * A write takes time to get there and its answer takes time to come back, so a
 * controller can die before, between and after.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { MemoryDatabase } from "../store/memory_store.ts";
import type { Write } from "../store/record.ts";
import type { Random } from "./random.ts";
import type { Process } from "./virtual_clock.ts";

/** How long either way takes at most, in ms. */
const USUAL_MS = 2;

/** A database that outlives every controller. */
export class SimDisk extends MemoryDatabase {
  readonly #random: Random;
  /** The controller that writes now. */
  #writer: Process | null = null;
  isFull = false;
  /** How long either way of a write takes at most. */
  slowMs = USUAL_MS;
  /** For tests of the checker: writes are promised and not kept. */
  forgets = false;
  /** Writes that are on their way, or whose answer is. */
  #underWay = 0;

  constructor(random: Random) {
    super();
    this.#random = random;
  }

  /** Makes it slow, up to `ms` a way; null makes it as usual. */
  slow(ms: number | null): void {
    this.slowMs = ms ?? USUAL_MS;
  }

  /** Whether nothing is under way, so that its records can be compared with memory. */
  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  /** Another controller writes from now on. */
  belongTo(writer: Process): void {
    this.#writer = writer;
    this.#underWay = 0;
  }

  override async travel(): Promise<void> {
    this.#underWay++;
    await this.#writer?.sleep(this.#random.next() * this.slowMs);
    this.#underWay--;
  }

  override apply(writes: readonly Write[]): void {
    if (this.isFull) {
      throw new UsherError(
        "unavailable",
        "Cannot write the state: the disk is full",
      );
    }
    if (!this.forgets) super.apply(writes);
  }
}
