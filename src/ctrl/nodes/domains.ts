/**
 * What nodes report, turned into records: states change, found domains become
 * known, missing ones are noticed.
 *
 * Nothing here ever stops or starts anything. A domain that no record knows
 * is registered; under the name it carries when it is ours, else as
 * `NAME.NODE.found`.
 *
 * @module
 */
import { heldNowhere, owing } from "../../core/node_loss.ts";
import { isFinal } from "../../core/operation_machine.ts";
import { lastState, missing, reconcile, silent } from "../../core/reconcile.ts";
import { occupies } from "../../core/vm_machine.ts";
import { type DomainFrame, domainKey } from "../../schema/frame.ts";
import { FOUND_OWNER, splitVmName, VmName } from "../../schema/name.ts";
import { Vm, type VmStatus } from "../../schema/vm.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import { FoundDomains, foundName, foundSpec } from "./found_domains.ts";
import type { Leftovers } from "./leftovers.ts";
import type { Records, Write } from "../records/records.ts";
import { Strays } from "./strays.ts";
import { Unconfirmed } from "./unconfirmed.ts";

/** Takes in what nodes report. */
export class Domains {
  /** What nodes have of VMs that are not theirs. */
  readonly strays: Strays;
  /** Uids of VMs whose node has yet to tell what they were started with; some may be gone. */
  readonly partial: Set<string>;
  readonly #context: CtrlContext;
  readonly #records: Records;
  readonly #leftovers: Leftovers;
  readonly #unconfirmed: Unconfirmed;
  readonly #found: FoundDomains;

  constructor(context: CtrlContext, records: Records, leftovers: Leftovers) {
    this.#context = context;
    this.#records = records;
    this.strays = new Strays((uid, nodes) =>
      records.capacity.copiesAre(uid, nodes)
    );
    this.partial = new Set(
      [...records.vms.values()].filter(({ partial }) => partial)
        .map(({ uid }) => uid),
    );
    this.#leftovers = leftovers;
    this.#unconfirmed = new Unconfirmed(context, records);
    this.#found = new FoundDomains(records);
  }

  /** A node reports changes of some domains; resolves once they are durable. */
  async report(node: string, domains: readonly DomainFrame[]): Promise<void> {
    const writes = newestOfEach(domains).flatMap((domain) =>
      this.writesFor(node, domain)
    );
    // Without any too: that it is known already may be a draft yet.
    await this.#records.write(writes);
  }

  /**
   * A node reports everything it has, but for what its drivers `unlisted` may
   * have; `why` proves that what it had before is no more. Answers the VMs of
   * which all is known now.
   */
  async sync(
    node: string,
    domains: readonly DomainFrame[],
    { why, unlisted = [] }: {
      readonly why?: string | undefined;
      readonly unlisted?: readonly string[];
    } = {},
  ): Promise<ReadonlySet<string>> {
    this.strays.clear(node);
    const writes = newestOfEach(domains).flatMap((domain) =>
      this.writesFor(node, domain, why !== undefined)
    );
    const seen = new Set(domains.map((domain) => this.#uidOf(node, domain)));
    // A found domain that was adopted has another record from now on.
    const replaced = new Set(
      writes.filter(({ value }) => value === null).map(({ key }) => key),
    );
    const known = new Set<string>();
    const at = isoNow(this.#context);
    for (const vm of this.#records.vms.latestValues()) {
      if (vm.restarts?.heldOn === node && !seen.has(vm.uid)) {
        const note = `no copy is held on ${node}`;
        writes.push({ kind: "vm", key: vm.uid, value: heldNowhere(vm), note });
      }
      if (vm.node !== node || replaced.has(vm.uid)) continue;
      const cannotTell = why === undefined && !seen.has(vm.uid) &&
        unlisted.includes(vm.spec.driver ?? "");
      if (cannotTell) {
        writes.push(...unasked(vm));
        continue;
      }
      known.add(vm.uid);
      if (seen.has(vm.uid) || vm.unconfirmed === true) continue;
      const status = missing(vm.status, at, why);
      writes.push(...gone(vm, status, why !== undefined));
      // One that was off is gone too, and nobody could unregister it.
      const isLeft = vm.found && status === null;
      if (isLeft) writes.push({ kind: "vm", key: vm.uid, value: null });
    }
    if (writes.length > 0) await this.#records.write(writes);
    await this.settleUnconfirmed(node);
    return known;
  }

  /** Settles what was restored, once every node has told; `told` is about to be ready. */
  async settleUnconfirmed(told?: string): Promise<void> {
    const writes = this.#unconfirmed.writes(told);
    if (writes.length === 0) return;
    await this.#records.write(writes);
    for (const { node, domain } of this.#unconfirmed.settled()) {
      this.#leftovers.note(node, domain, true);
    }
  }

  /**
   * A node has been silent past its lease. What it was asked to start may run
   * there by now, whatever it told before.
   */
  async lost(node: string): Promise<void> {
    const at = isoNow(this.#context);
    const writes: Write[] = [];
    const starting = new Set(
      [...this.#records.operations.latestValues()]
        .filter(({ state, begun }) =>
          !isFinal(state) && begun.includes("start")
        )
        .map(({ uid }) => uid),
    );
    for (const vm of this.#records.vms.latestValues()) {
      if (vm.node !== node) continue;
      const isStarting = starting.has(vm.uid) && !occupies(vm.status.state);
      const known: VmStatus = isStarting
        ? { ...vm.status, state: "starting" }
        : vm.status;
      const status = silent(known, node, at);
      if (status !== null) {
        writes.push({
          kind: "vm",
          key: vm.uid,
          value: { ...vm, status },
          note: status.reason,
        });
      }
    }
    if (writes.length > 0) await this.#records.write(writes);
  }

  /** What becomes of a node's VMs once it is known to run nothing, for reason `why`. */
  deadWrites(node: string, why: string): Write[] {
    const at = isoNow(this.#context);
    return [...this.#records.vms.latestValues()]
      .filter((vm) => vm.node === node && vm.unconfirmed !== true)
      .flatMap((vm) => gone(vm, missing(vm.status, at, why), true));
  }

  /**
   * The writes that one report calls for; empty when nothing changed. After
   * the loss of what the node ran, `isLoss`, a start may be owed to a VM.
   */
  writesFor(node: string, reported: DomainFrame, isLoss = false): Write[] {
    const domain = { ...reported, reason: clip(reported.reason) };
    const vm = this.#find(node, domain);
    if (vm !== undefined && !this.#unconfirmed.isSettledBy(vm, node, domain)) {
      return [];
    }
    const at = isoNow(this.#context);
    const action = reconcile(vm ?? null, domain, node, at);
    if (vm !== undefined) {
      const isCopy = action.type === "stranger" || domain.state === "migrating";
      this.#leftovers.note(node, domain, isCopy);
    }
    switch (action.type) {
      case "keep":
        return [];
      case "update":
        if (vm === undefined) return [];
        return [{
          kind: "vm",
          key: vm.uid,
          // One of others that is gone is nobody's to unregister.
          value: vm.found && domain.state === "absent"
            ? null
            : afterReport(vm, node, domain, action.status, isLoss),
          note: noteOf(action.status.state, action.status.reason),
        }];
      case "adopt":
        return this.#adopt(node, domain, at);
      case "stranger":
        this.strays.note(node, domain);
        return [];
    }
  }

  #find(node: string, domain: DomainFrame): Vm | undefined {
    if (domain.uid !== null) return this.#records.vms.latest(domain.uid);
    return this.#found.find(node, domain);
  }

  #uidOf(node: string, domain: DomainFrame): string | undefined {
    return domain.uid ?? this.#found.find(node, domain)?.uid;
  }

  /** A domain without a record becomes known; one that cannot be described is left out. */
  #adopt(node: string, domain: DomainFrame, at: string): Write[] {
    const { log, newId } = this.#context;
    const { uid: its, state } = domain;
    if (
      state === "migrating" && its !== null && this.#leftovers.isOfThePast(its)
    ) {
      this.#leftovers.note(node, domain, true);
      return [];
    }
    const before = this.#adoptedFrom(node, domain);
    const name = before?.name ?? this.#nameFor(node, domain);
    const found = Vm.safeParse({
      v: 1,
      uid: domain.uid ?? newId(),
      name,
      generation: Math.max(1, domain.generation),
      spec: foundSpec(domain),
      status: {
        state: domain.state,
        reason: domain.reason,
        incarnation: domain.incarnation,
        since: at,
        observedGeneration: domain.generation,
        ...(domain.held === true ? { last: "running" } : {}),
      },
      node,
      args: {},
      createdAt: at,
      revision: 0,
      ...(domain.uid === null
        ? { found: true, domain: domainKey(domain) }
        : { partial: true }),
    });
    const which = { node, domain: domain.domain, vm: name };
    if (!found.success) {
      log.warn("a node reports a domain that cannot be described", {
        ...which,
        error: found.error.issues[0]?.message,
      });
      return [];
    }
    log.info("found a domain without a record", which);
    const { uid } = found.data;
    if (domain.uid === null) this.#found.note(node, domain, uid);
    else this.partial.add(uid);
    return [
      // Before the other, which takes over its name.
      ...(before === undefined
        ? []
        : [{ kind: "vm", key: before.uid, value: null } as const]),
      { kind: "vm", key: uid, value: found.data, note: `found on ${node}` },
    ];
  }

  /** The record of a found domain that its node has adopted. */
  #adoptedFrom(node: string, domain: DomainFrame): Vm | undefined {
    if (domain.uid === null) return undefined;
    return this.#found.find(node, { ...domain, uid: null });
  }

  /** The name that a domain of ours carries, when it is free; else that of a found one. */
  #nameFor(node: string, { uid, name }: DomainFrame): string {
    const isOurs = uid !== null && VmName.safeParse(name).success &&
      splitVmName(name).user !== FOUND_OWNER &&
      this.#records.byName(name) === undefined;
    return isOurs ? name : this.#found.freeName(foundName(node, name));
  }
}

function afterReport(
  vm: Vm,
  node: string,
  { generation }: DomainFrame,
  status: Vm["status"],
  isLoss: boolean,
): Vm {
  const { unconfirmed, ...rest } = vm;
  const known = {
    ...rest,
    node: unconfirmed === true ? node : vm.node ?? node,
    // Records that were restored may be older than what runs.
    generation: Math.max(vm.generation, generation),
    status,
  };
  return isLoss && status.state === "crashed" ? owing(vm, known) : known;
}

/**
 * The write of a VM whose domain is no more; none when it was off. When that
 * is the loss of its node, `isLoss`, a start elsewhere may be owed to it.
 */
function gone(
  vm: Vm,
  status: Vm["status"] | null,
  isLoss: boolean,
): Write[] {
  if (status === null) return [];
  const crashed = { ...vm, status };
  const value = vm.found ? null : isLoss ? owing(vm, crashed) : crashed;
  return [{ kind: "vm", key: vm.uid, value, note: status.reason }];
}

/** The write of a VM that is out of sight, when it is said to be so for another reason. */
function unasked(vm: Vm): Write[] {
  const reason = `driver ${vm.spec.driver} of node ${vm.node} cannot be ` +
    `asked (it was ${lastState(vm.status)})`;
  const { state } = vm.status;
  if (state !== "unknown" || vm.status.reason === reason) return [];
  const value = { ...vm, status: { ...vm.status, reason } };
  return [{ kind: "vm", key: vm.uid, value, note: reason }];
}

/**
 * Of several reports of one domain the last alone: each is held against what
 * the record says, which the one before has not changed yet.
 */
function newestOfEach(domains: readonly DomainFrame[]): DomainFrame[] {
  return [
    ...new Map(domains.map((domain) => [domainKey(domain), domain])).values(),
  ];
}

function noteOf(state: string, reason: string): string {
  return reason === "" ? state : `${state}: ${reason}`;
}

/** The longest reason that is kept; a node may say any amount. */
const MAX_REASON = 1000;

function clip(reason: string): string {
  return reason.length <= MAX_REASON
    ? reason
    : `${reason.slice(0, MAX_REASON - 1)}…`;
}
