/**
 * Noticing that what should go on stands still. A target that hangs still has a
 * kernel that keeps its connections, and a cut cable says nothing at all, so
 * QEMU sends for ever; and what never ends would be told as going on.
 *
 * @module
 */

/** One thing that is looked at again and again. */
export class Standstill {
  #seen: string | null = null;
  #since = 0;

  /** Notes what is seen at `now`; for how long, in the same unit, it has been the same. */
  see(now: number, what: unknown): number {
    const seen = JSON.stringify(what);
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#since = now;
    }
    return now - this.#since;
  }
}
