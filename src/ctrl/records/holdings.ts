/**
 * Holdings: which VMs are in each cluster, and what users and clusters take of
 * their quotas.
 *
 * Kept in step with the records as capacity is: what a VM takes is found anew
 * from what its record is now and replaces what it took before, so a sum is
 * what the records say whatever became of the writes in between. Domains that
 * were found on a node are members, and take of nobody's quota.
 *
 * @module
 */
import {
  NOTHING_TAKEN,
  plus,
  type Take,
  takenKnown,
  takenOn,
} from "../../core/quota.ts";
import type { Vm } from "../../schema/vm.ts";
import { clusterPart, ownerPart } from "../auth/access.ts";

interface Held {
  readonly vm: Vm;
  readonly name: string;
  readonly on: boolean;
  readonly take: Take;
}

/** What users and clusters hold. */
export class Holdings {
  readonly #held = new Map<string, Held>();
  readonly #members = new Map<string, Set<string>>();
  readonly #totals = new Map<string, Take>();

  /** A VM is this now, and on or not; undefined when it is gone. */
  vmIs(uid: string, vm: Vm | undefined, on: boolean): void {
    const before = this.#held.get(uid);
    if (before !== undefined && before.vm === vm && before.on === on) return;
    if (before !== undefined) {
      this.#count(before, -1);
      if (vm?.name !== before.name) this.#leave(uid, before.name);
    }
    if (vm === undefined) {
      this.#held.delete(uid);
      return;
    }
    const held = { vm, name: vm.name, on, take: takeOf(vm, on) };
    this.#held.set(uid, held);
    this.#count(held, 1);
    this.#join(uid, vm.name);
  }

  /** The VMs in cluster `cluster.user`, in the order in which they came. */
  members(cluster: string): Iterable<string> {
    return this.#members.get(cluster) ?? [];
  }

  /** How many VMs are in a cluster. */
  countOf(cluster: string): number {
    return this.#members.get(cluster)?.size ?? 0;
  }

  /** What a user, or a cluster as `cluster.user`, takes of the quota. */
  taken(subject: string): Take {
    return this.#totals.get(subject) ?? NOTHING_TAKEN;
  }

  /** Whether the VM counts as on. */
  isOn(uid: string): boolean {
    return this.#held.get(uid)?.on === true;
  }

  /** Everybody, and every cluster, that takes something. */
  subjects(): Iterable<string> {
    return this.#totals.keys();
  }

  #count({ name, take }: Held, by: 1 | -1): void {
    if (take.vms === 0) return;
    for (const subject of [ownerPart(name), clusterPart(name)]) {
      const now = plus(this.taken(subject), take, by);
      if (now.vms === 0) this.#totals.delete(subject);
      else this.#totals.set(subject, now);
    }
  }

  #join(uid: string, name: string): void {
    const cluster = clusterPart(name);
    const members = this.#members.get(cluster);
    if (members === undefined) this.#members.set(cluster, new Set([uid]));
    else members.add(uid);
  }

  #leave(uid: string, name: string): void {
    const cluster = clusterPart(name);
    const members = this.#members.get(cluster);
    members?.delete(uid);
    if (members?.size === 0) this.#members.delete(cluster);
  }
}

function takeOf({ spec, found }: Vm, on: boolean): Take {
  if (found) return NOTHING_TAKEN;
  const known = takenKnown(spec);
  return on ? plus(known, takenOn(spec)) : known;
}
