/**
 * Holdings: what a user's VMs take of the site, with what the user was let in
 * for and does not show yet.
 *
 * Between the moment when a start is let through and the one when its VM is on
 * record, a second request would see none of it. So what was let through counts
 * until it shows, or until it surely came to nothing. After a restart of this
 * plugin that is forgotten; the gap it closes is a few milliseconds wide.
 *
 * @module
 */
import type { VmView } from "@usher/plugin";

/** What a VM takes of the site when it is on. */
export interface Size {
  readonly memoryMiB: number;
  readonly vcpus: number;
}

/** What several VMs take. */
export interface Holding extends Size {
  readonly vms: number;
}

/** Nothing at all. */
export const NOTHING: Holding = { memoryMiB: 0, vcpus: 0, vms: 0 };

/** After this a start that was let through and never showed came to nothing. */
const PENDING_MS = 15_000;

interface Pending extends Size {
  readonly at: number;
}

/** Starts that were let through and do not show yet, by the VM's full name. */
export class PendingStarts {
  readonly #pending = new Map<string, Pending>();

  /** Counts a start that was let through. */
  add(name: string, { memoryMiB, vcpus }: Size, now: number): void {
    this.#pending.set(name, { memoryMiB, vcpus, at: now });
  }

  /** Those of `owner` that are neither in `seen` nor over. */
  of(
    owner: string,
    seen: ReadonlySet<string>,
    now: number,
  ): ReadonlyMap<string, Size> {
    for (const [name, { at }] of this.#pending) {
      if (seen.has(name) || now - at >= PENDING_MS) this.#pending.delete(name);
    }
    return new Map(
      [...this.#pending].filter(([name]) => name.endsWith(`.${owner}`)),
    );
  }
}

/** Whether a VM holds its share: it is on, or it is to be. */
export function isHolding({ spec, status }: VmView): boolean {
  return spec.power === "on" || !["absent", "stopped", "crashed"]
    .includes(status.state);
}

/** `holding` with so much more. */
export function added(holding: Holding, size: Size): Holding {
  return {
    memoryMiB: holding.memoryMiB + size.memoryMiB,
    vcpus: holding.vcpus + size.vcpus,
    vms: holding.vms + 1,
  };
}
