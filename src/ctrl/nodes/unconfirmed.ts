/**
 * VMs that came from a backup and of which no node has told since.
 *
 * Where such a VM is, its record cannot know: it may have been started, moved
 * or destroyed after the backup. Whichever node runs it has it. One that is
 * only found turned off, or nowhere, waits until every node of the site has
 * told what it has (or was declared dead), since until then another may run
 * it; the verbs wait with it.
 *
 * @module
 */
import { missing, reconcile } from "../../core/reconcile.ts";
import { occupies } from "../../core/vm_machine.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import type { Vm } from "../../schema/vm.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { Records, Write } from "../records/records.ts";

/** What a node has of a VM. */
export interface Offer {
  readonly node: string;
  readonly domain: DomainFrame;
}

/** What waits to be told of, in memory: a restart hears it all again. */
export class Unconfirmed {
  readonly #context: CtrlContext;
  readonly #records: Records;
  readonly #uids: Set<string>;
  /** Where they lie turned off. */
  readonly #offers = new Map<string, Offer>();
  /** Copies of VMs that were on their way; what becomes of them is told by where they are. */
  #copies: Offer[] = [];

  constructor(context: CtrlContext, records: Records) {
    this.#context = context;
    this.#records = records;
    this.#uids = new Set(
      [...records.vms.values()].filter(({ unconfirmed }) => unconfirmed)
        .map(({ uid }) => uid),
    );
  }

  /** Whether what `node` says of `vm` counts at once; else it is kept. */
  isSettledBy(vm: Vm, node: string, domain: DomainFrame): boolean {
    const runs = occupies(domain.state) && domain.state !== "migrating";
    if (vm.unconfirmed !== true || runs) return true;
    if (domain.state === "migrating") this.#copies.push({ node, domain });
    const known = this.#offers.get(vm.uid);
    // Where the record says that it is, if two have it.
    if (known?.node !== vm.node) this.#offers.set(vm.uid, { node, domain });
    return false;
  }

  /** The writes that settle the rest; none while a node has yet to tell. `told` tells now. */
  writes(told?: string): Write[] {
    if (this.#uids.size === 0 || !this.#haveAllTold(told)) return [];
    const at = isoNow(this.#context);
    const writes: Write[] = [];
    for (const uid of this.#uids) {
      const vm = this.#records.vms.latest(uid);
      if (vm?.unconfirmed === true) writes.push(this.#settle(vm, at));
    }
    return writes;
  }

  /** Called when what `writes` said is durable; answers copies that nobody works on. */
  settled(): readonly Offer[] {
    const copies = this.#copies;
    this.#uids.clear();
    this.#offers.clear();
    this.#copies = [];
    return copies;
  }

  #haveAllTold(told: string | undefined): boolean {
    return [...this.#records.nodes.latestValues()].every(({ name, state }) =>
      name === told || state === "ready" || state === "dead"
    );
  }

  #settle(vm: Vm, at: string): Write {
    const { unconfirmed: _, ...rest } = vm;
    const offer = this.#offers.get(vm.uid);
    if (offer !== undefined) {
      const { node, domain } = offer;
      const action = reconcile({ node, status: vm.status }, domain, node, at);
      const status = action.type === "update" ? action.status : vm.status;
      return put({ ...rest, node, status }, `found on ${node}`);
    }
    return put({ ...rest, status: nowhere(vm, at) }, "no node has it");
  }
}

/** The status of a VM that no node has. */
function nowhere({ status }: Vm, at: string): Vm["status"] {
  const { last = "absent", ...rest } = status;
  const before = { ...rest, state: last };
  const reason = "no node has it since the state was restored from a backup";
  return missing(before, at, reason) ??
    { ...before, reason: last === "absent" ? "" : reason, since: at };
}

function put(vm: Vm, note: string): Write {
  return { kind: "vm", key: vm.uid, value: vm, note };
}
