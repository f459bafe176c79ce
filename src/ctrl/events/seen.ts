/**
 * What the records were before a commit, and what its writes so far make of
 * them: news is what differs between the two.
 *
 * @module
 */
import type { ClusterRecord } from "../../schema/cluster.ts";
import type { Node } from "../../schema/node.ts";
import type { Operation } from "../../schema/operation.ts";
import type { RequestRecord } from "../../schema/stored.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Write } from "../records/write.ts";

/** A write, and the revision that its commit gives it. */
export interface Stamped {
  readonly write: Write;
  readonly revision: number;
}

/** What the records were before a commit. */
export interface Before {
  vm(uid: string): Vm | undefined;
  node(name: string): Node | undefined;
  operation(id: string): Operation | undefined;
  request(id: string): RequestRecord | undefined;
  cluster(name: string): ClusterRecord | undefined;
}

/** The records as the writes so far leave them. */
export class Seen {
  readonly before: Before;
  readonly #commit: readonly Stamped[];
  readonly #vms = new Map<string, Vm | null>();
  /** Of those that the commit removes. */
  readonly #last = new Map<string, Vm>();

  constructor(before: Before, commit: readonly Stamped[]) {
    this.before = before;
    this.#commit = commit;
  }

  /** The VM as it is now; undefined for one that is not known. */
  vm(uid: string): Vm | undefined {
    const noted = this.#vms.get(uid);
    return noted === undefined ? this.before.vm(uid) : noted ?? undefined;
  }

  /** The VM as it is now, or was last. */
  lastVm(uid: string): Vm | undefined {
    return this.vm(uid) ?? this.#last.get(uid);
  }

  /** The operation on a VM that the commit is of; undefined when it is of none. */
  operationOn(uid: string): Operation | undefined {
    for (const { write } of this.#commit) {
      if (write.kind === "operation" && write.value?.uid === uid) {
        return write.value;
      }
    }
    return undefined;
  }

  /** The request of an operation, which may be made in this very commit. */
  request(id: string): RequestRecord | undefined {
    for (const { write } of this.#commit) {
      if (write.kind === "request" && write.key === id) {
        return write.value ?? undefined;
      }
    }
    return this.before.request(id);
  }

  note(uid: string, vm: Vm | null): void {
    const known = this.vm(uid);
    if (vm === null && known !== undefined) this.#last.set(uid, known);
    this.#vms.set(uid, vm);
  }
}
