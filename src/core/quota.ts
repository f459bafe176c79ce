/**
 * Quotas: what a VM takes of them, and whether there is enough left.
 *
 * Each VM that is known takes one of `vms`, and its disks, whether it is on or
 * not: they are there. Processors and memory it takes while it is on, or is on
 * its way there. Pure: what is held and what is allowed are arguments, so the
 * answer is as good as the step in which it is asked.
 *
 * @module
 */
import type { QuotaLimits, QuotaPart } from "../schema/quota.ts";
import type { VmSpec } from "../schema/vm.ts";

/** What one VM, or all of somebody's, takes. */
export type Take = Readonly<Record<QuotaPart, number>>;

/** What nothing takes. */
export const NOTHING_TAKEN: Take = { vms: 0, vcpus: 0, memory: 0, disk: 0 };

/** The parts in the order in which they are told of. */
export const QUOTA_PARTS: readonly QuotaPart[] = [
  "vms",
  "vcpus",
  "memory",
  "disk",
];

/** What a VM takes for being known: memory and disk in MiB. */
export function takenKnown({ disks }: Pick<VmSpec, "disks">): Take {
  let disk = 0;
  for (const { base, sizeMiB } of disks) {
    // A whole image was there before the VM, and stays after it.
    if (base !== undefined) disk += sizeMiB ?? 0;
  }
  return { vms: 1, vcpus: 0, memory: 0, disk };
}

/** What a VM takes for being on. */
export function takenOn(
  { vcpus, memoryMiB }: Pick<VmSpec, "vcpus" | "memoryMiB">,
): Take {
  return { vms: 0, vcpus, memory: memoryMiB, disk: 0 };
}

/** Both together, or one without the other when `by` is -1. */
export function plus(one: Take, other: Take, by: 1 | -1 = 1): Take {
  return {
    vms: one.vms + by * other.vms,
    vcpus: one.vcpus + by * other.vcpus,
    memory: one.memory + by * other.memory,
    disk: one.disk + by * other.disk,
  };
}

/** Whether a disk of a VM has the size of its base, which only its node knows. */
export function hasUnsizedDisk({ disks }: Pick<VmSpec, "disks">): boolean {
  return disks.some(({ base, sizeMiB }) =>
    base !== undefined && sizeMiB === undefined
  );
}

/** What is asked for and not left. */
export interface Excess {
  readonly part: QuotaPart;
  readonly used: number;
  readonly asked: number;
  readonly limit: number;
}

/**
 * The first part of which `asked` is more than `limits` leave beside `used`;
 * null when all is left. A limit of null allows any number. Who has more than
 * a limit that was lowered keeps it, and gets no more of that part.
 */
export function excessOf(
  asked: Take,
  used: Take,
  limits: QuotaLimits,
): Excess | null {
  for (const part of QUOTA_PARTS) {
    const limit = limits[part];
    if (limit === null || asked[part] === 0) continue;
    if (used[part] + asked[part] <= limit) continue;
    return { part, used: used[part], asked: asked[part], limit };
  }
  return null;
}

/** What a ledger refuses with: whose quota, and what of it is not left. */
export interface Refusal extends Excess {
  readonly subject: string;
}

/**
 * What is left for several that are decided on together: each sees what those
 * before it took. `used` and `limits` must not change while it is kept.
 */
export class Ledger {
  readonly #used: (subject: string) => Take;
  readonly #limits: (subject: string) => QuotaLimits;
  readonly #taken = new Map<string, Take>();

  constructor(
    used: (subject: string) => Take,
    limits: (subject: string) => QuotaLimits,
  ) {
    this.#used = used;
    this.#limits = limits;
  }

  /** The limits that hold for `subject`. */
  limitsOf(subject: string): QuotaLimits {
    return this.#limits(subject);
  }

  /** Takes `asked` of the quotas of all `subjects`, or of none of them and says why. */
  take(subjects: readonly string[], asked: Take): Refusal | null {
    for (const subject of subjects) {
      const excess = excessOf(
        asked,
        this.#usedBy(subject),
        this.#limits(subject),
      );
      if (excess !== null) return { subject, ...excess };
    }
    for (const subject of subjects) {
      const before = this.#taken.get(subject) ?? NOTHING_TAKEN;
      this.#taken.set(subject, plus(before, asked));
    }
    return null;
  }

  #usedBy(subject: string): Take {
    const taken = this.#taken.get(subject);
    const used = this.#used(subject);
    return taken === undefined ? used : plus(used, taken);
  }
}
