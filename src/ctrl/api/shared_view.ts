/**
 * What a watcher sees of others: VMs of clusters that are shared with the
 * watcher, from when a share begins until it ends.
 *
 * A share that begins shows its VMs at once, one that ends takes them back at
 * once, as deleted. What was shown is held here, since what is gone meanwhile
 * no record tells of. The lines before the cluster's own carry the revision
 * before it: a stream that is cut among them is resumed from there, and finds
 * the change of the share once more.
 *
 * @module
 */
import { isFinal } from "../../core/operation_machine.ts";
import type { ClusterRecord } from "../../schema/cluster.ts";
import { Access, clusterPart } from "../auth/access.ts";
import type { Caller } from "../auth/caller.ts";
import type { Change } from "../records/records.ts";
import type { Site } from "../site.ts";

/** What one watcher sees through shares. */
export class SharedView {
  readonly access: Access;
  readonly #site: Site;
  readonly #caller: Caller;
  /** VMs of others that are shown: uid to name. */
  readonly #held = new Map<string, string>();
  /** Up to here changes are told of again: what they deleted is not held. */
  #resumedTo = 0;

  constructor(site: Site, caller: Caller) {
    this.access = new Access(caller, site.records);
    this.#site = site;
    this.#caller = caller;
  }

  /** Whether no share that matters to the caller has changed after `revision`. */
  isAsOf(revision: number): boolean {
    if (this.access.seesAll) return true;
    const changes = this.#site.changes.after(revision, Infinity) ?? [];
    return !changes.some(({ change }) =>
      change.kind === "cluster" && this.#turn(change) !== null
    );
  }

  /** Takes what is there as shown: an earlier stream has told of it. */
  resume(): void {
    this.#resumedTo = this.#site.changes.newest;
    if (this.access.seesAll) return;
    for (const vm of this.#site.records.vms.values()) {
      if (this.access.maySee(vm.name)) this.hold(vm.uid, vm.name);
    }
  }

  /** Notes that a VM is shown. */
  hold(uid: string, name: string): void {
    if (!this.access.mayMeanShortly(name)) this.#held.set(uid, name);
  }

  /** Whether a change of a VM is told of. */
  showsVm({ id, name, value, revision }: Change): boolean {
    const { access } = this;
    if (access.mayMeanShortly(name)) return access.maySee(name);
    if (value === null) {
      const wasShown = this.#held.delete(id);
      return wasShown ||
        (revision <= this.#resumedTo && access.maySee(name));
    }
    if (!access.maySee(name)) return false;
    this.hold(id, name);
    return true;
  }

  /** Changes that a cluster's change makes for the watcher, besides itself. */
  *besides(change: Change): Generator<Change> {
    const turn = this.#turn(change);
    if (turn === "begins") yield* this.#shown(change.name);
    if (turn === "ends") yield* this.#hidden(change.name);
  }

  /** Whether the change of a cluster itself is told of; as deleted once it is hidden. */
  ofCluster(change: Change): Change | null {
    const { name, value } = change;
    if (this.#turn(change) === "ends") return { ...change, value: null };
    const record = value === null ? change.before : value as ClusterRecord;
    return this.access.byRecord(name, record) === null ? null : change;
  }

  /** Whether a share that lets the caller see the cluster begins or ends with a change. */
  #turn({ name, value, before }: Change): "begins" | "ends" | null {
    const record = value as ClusterRecord | null;
    const saw = this.access.byRecord(name, before) !== null;
    const sees = this.access.byRecord(name, record ?? undefined) !== null;
    if (saw === sees) return null;
    return sees ? "begins" : "ends";
  }

  *#shown(cluster: string): Generator<Change> {
    const { records, runner } = this.#site;
    // It may have ended again since.
    if (this.access.cluster(cluster) === null) return;
    for (const uid of records.capacity.holdings.members(cluster)) {
      const vm = records.vms.get(uid);
      if (vm === undefined) continue;
      this.hold(uid, vm.name);
      const told = { revision: 0, name: vm.name, note: "shared" };
      yield { ...told, kind: "vm", id: uid, value: vm };
      const held = records.operations.get(runner.holderOf(uid)?.id ?? "");
      if (held === undefined || isFinal(held.state)) continue;
      yield { ...told, kind: "operation", id: held.id, value: held };
    }
  }

  *#hidden(cluster: string): Generator<Change> {
    const { records, runner } = this.#site;
    for (const [id, name] of [...this.#held]) {
      if (clusterPart(name) !== cluster) continue;
      this.#held.delete(id);
      const told = { revision: 0, name, note: "", value: null };
      const held = records.operations.get(runner.holderOf(id)?.id ?? "");
      if (held !== undefined && held.user !== this.#caller.user) {
        yield { ...told, kind: "operation", id: held.id };
      }
      yield { ...told, kind: "vm", id };
    }
  }
}
