/**
 * Access: the one place that says who may see and who may change a VM, a
 * cluster and an operation.
 *
 * Administrators may all and viewers look at all; everybody else may what they
 * own, and what is shared with them or with a group of theirs, as the
 * cluster's record says now. An API token leaves of that what it is for. Nothing is remembered, so a share that ends is
 * over at the next look. A plugin may what it was granted. What is known of a
 * VM is its name, so the answer costs one look at one record, however many
 * clusters and VMs there are.
 *
 * @module
 */
import { matchesName } from "../../core/selector.ts";
import { UsherError } from "../../error/mod.ts";
import type { ClusterRecord, Share, ShareLevel } from "../../schema/cluster.ts";
import type { Operation } from "../../schema/operation.ts";
import { type Caller, isConfined, isInScope } from "./caller.ts";

/** What one may do with a cluster and its VMs; `own` also shares and deletes it. */
export type Level = ShareLevel | "own";

/** Where clusters are looked up: only what is durable lets anybody in. */
export interface ClusterTable {
  get(name: string): ClusterRecord | undefined;
}

/** What access is decided on. */
export interface AccessSource {
  readonly clusters: ClusterTable;
}

const RANK: Readonly<Record<Level, number>> = { view: 1, control: 2, own: 3 };

/** The cluster, `cluster.user`, in a VM's full name. */
export function clusterPart(vm: string): string {
  return vm.slice(vm.indexOf(".") + 1);
}

/** The user in the full name of a VM or a cluster. */
export function ownerPart(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** Whether `caller` may see everything: who may do all, and who may only look. */
export function maySeeAll(caller: Caller): boolean {
  return looksAtAll(caller) && !isConfined(caller);
}

/** Whether anybody's VM may be seen, where the caller's token is for it. */
function looksAtAll({ role, plugin }: Caller): boolean {
  return plugin === undefined && (role === "admin" || role === "viewer");
}

/** What one caller may see and change. */
export class Access {
  readonly #caller: Caller;
  readonly #clusters: ClusterTable;
  readonly #groups: ReadonlySet<string>;

  constructor(caller: Caller, { clusters }: AccessSource) {
    this.#caller = caller;
    this.#clusters = clusters;
    this.#groups = new Set(caller.groups);
  }

  /** Whether nothing is hidden from the caller. */
  get seesAll(): boolean {
    return maySeeAll(this.#caller);
  }

  /** What the caller may do with the cluster `cluster.user`; null: not even see it. */
  cluster(name: string): Level | null {
    return this.#confined(name, () => this.#clusters.get(name));
  }

  /** The same by what its record is, or was: for whoever asks what changed. */
  byRecord(name: string, record: ClusterRecord | undefined): Level | null {
    return this.#confined(name, () => record);
  }

  /** Whether the caller may see the VM of this full name. */
  maySee(vm: string): boolean {
    return this.#vmLevel(vm) !== null;
  }

  /** Whether the caller may act on it, make it, and open its console. */
  mayControl(vm: string): boolean {
    const level = this.#vmLevel(vm);
    return level !== null && RANK[level] >= RANK.control;
  }

  /** Whether a name that is less than whole may mean this VM. */
  mayMeanShortly(vm: string): boolean {
    const { plugin, user } = this.#caller;
    return looksAtAll(this.#caller) || plugin !== undefined ||
      ownerPart(vm) === user;
  }

  /** Whether the caller may see an operation: it is on a VM that they see, or by them. */
  maySeeOperation({ user, vm }: Pick<Operation, "user" | "vm">): boolean {
    if (!isInScope(this.#caller, vm)) return false;
    return user === this.#caller.user || this.maySee(vm);
  }

  /** Whether the caller may stop an operation: it is on a VM that they control, or by them. */
  mayCancel({ user, vm }: Pick<Operation, "user" | "vm">): boolean {
    return user === this.#caller.user || this.mayControl(vm);
  }

  /** The shares of a cluster that the caller may know of. */
  sharesShown({ name, shares }: ClusterRecord): readonly Share[] {
    const isAll = this.seesAll || this.cluster(name) === "own";
    return isAll ? shares : shares.filter((share) => this.#isMeant(share));
  }

  /** Throws `permission_denied` for a VM that the caller may only look at. */
  requireControl(vm: string): void {
    if (this.mayControl(vm)) return;
    throw new UsherError(
      "permission_denied",
      `You may only look at VM "${vm}"`,
      {
        subject: vm,
        hint: `its owner can share it for more: usher cluster share ${
          clusterPart(vm)
        } --user ${this.#caller.user} --control`,
      },
    );
  }

  #vmLevel(vm: string): Level | null {
    const { plugin } = this.#caller;
    if (plugin !== undefined) return plugin.reaches(vm) ? "control" : null;
    if (!isInScope(this.#caller, vm)) return null;
    const cluster = clusterPart(vm);
    return this.#level(cluster, () => this.#clusters.get(cluster));
  }

  /** A token for some VMs sees their clusters, and is never an owner's of them. */
  #confined(
    name: string,
    record: () => ClusterRecord | undefined,
  ): Level | null {
    const { vms = null } = this.#caller.scope ?? {};
    if (vms === null) return this.#level(name, record);
    const isReached = vms.some((pattern) => {
      const [, cluster = "*", user = "*"] = pattern.split(".");
      return matchesName(`x.${name}`, `*.${cluster}.${user}`);
    });
    const level = isReached ? this.#level(name, record) : null;
    return level === "own" ? "control" : level;
  }

  #level(
    name: string,
    record: () => ClusterRecord | undefined,
  ): Level | null {
    const { role, user, plugin } = this.#caller;
    if (plugin !== undefined) return null;
    if (role === "admin") return "own";
    if (role === "viewer") return "view";
    if (ownerPart(name) === user) return "own";
    let level: Level | null = null;
    for (const share of record()?.shares ?? []) {
      if (!this.#isMeant(share)) continue;
      if (share.level === "control") return "control";
      level = share.level;
    }
    return level;
  }

  #isMeant({ with: { kind, name } }: Share): boolean {
    return kind === "user"
      ? name === this.#caller.user
      : this.#groups.has(name);
  }
}
