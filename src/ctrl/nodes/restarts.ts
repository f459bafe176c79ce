/**
 * Starting VMs anew whose node was lost.
 *
 * Two ways lead here: a VM of a lost node that its guard has surely paused
 * (by time), and one that is owed a start since its domain is proved to be no
 * more. Either becomes a durable operation of its owner's, in one commit with
 * the VM's new node and generation: from then on whatever the old node has is
 * a stray. A VM that fits nowhere stays as it is, and is looked at again.
 *
 * @module
 */
import { advance } from "../../core/advance.ts";
import { mayRestartByTime, restartTurn } from "../../core/node_loss.ts";
import { lastState } from "../../core/reconcile.ts";
import { occupies } from "../../core/vm_machine.ts";
import { messageOf } from "../../error/mod.ts";
import type { AuditNote } from "../../schema/audit.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import { type AuditSink, whyOf } from "../audit/sink.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { Leftovers } from "./leftovers.ts";
import type { NodeLinks } from "./node_links.ts";
import { type Moving, targetFor } from "../operations/node_choice.ts";
import { operationWrite } from "../operations/writes.ts";
import type { Runner } from "../operations/runner.ts";
import type { Records } from "../records/records.ts";
import type { Strays } from "./strays.ts";
import {
  copyLeft,
  requestOf,
  takenOver,
  type Takeover,
  takeoverStart,
} from "./takeover.ts";

/** What restarting works with. */
export interface RestartParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly runner: Runner;
  readonly leftovers: Leftovers;
  readonly strays: Strays;
  readonly audit: AuditSink;
  readonly leaseMs: number;
  readonly marginMs: number;
}

/** Starts what losses of nodes owe. */
export class RestartKeeper {
  readonly #parts: RestartParts;
  /** VMs that are owed a start; rebuilt from the records. */
  readonly #due = new Set<string>();
  /** What was said last of a VM that has to wait, so that it is said once. */
  readonly #told = new Map<string, string>();

  constructor(parts: RestartParts) {
    this.#parts = parts;
    const { records } = parts;
    for (const vm of records.vms.values()) this.#note(vm.uid, vm);
    records.subscribe((changes) => {
      for (const { kind, id, value } of changes) {
        if (kind === "vm") this.#note(id, value as Vm | null);
      }
    });
  }

  /** Looks once at what is owed, and at the VMs of lost nodes. */
  async look(): Promise<void> {
    const starts = [...this.#overdue(), ...this.#takeovers()];
    for (const { vm, why } of starts) {
      try {
        await this.#start(vm, why);
      } catch (error) {
        this.#tell(vm, messageOf(error));
      }
    }
  }

  #note(uid: string, vm: Vm | null): void {
    if (vm?.restarts?.due === true) this.#due.add(uid);
    else if (this.#due.delete(uid)) this.#told.delete(uid);
  }

  /**
   * VMs that are proved to be down, and whose turn it is. A start that was
   * owed and made may have come to something on a node that is gone since:
   * then it is owed still, and proves nothing.
   */
  *#overdue(): Generator<{ vm: Vm; why: string }> {
    const { records, runner } = this.#parts;
    for (const uid of this.#due) {
      const vm = records.vms.latest(uid);
      if (vm === undefined || !runner.isIdle(uid)) continue;
      if (vm.status.state === "unknown") continue;
      if (runner.isUncertain(uid) && !this.#isBack(vm)) continue;
      yield { vm, why: vm.status.reason };
    }
  }

  /** VMs of lost nodes that their guard has paused. */
  *#takeovers(): Generator<{ vm: Vm; why: string }> {
    const { records, links, runner, context, leaseMs, marginMs } = this.#parts;
    const now = context.clock.monotonic();
    const silence = new Map<string, number>();
    for (const node of records.nodes.latestValues()) {
      const link = links.link(node.name);
      if (node.state !== "lost" || link.session !== null) continue;
      silence.set(node.name, now - link.heardAt);
    }
    if (silence.size === 0) return;
    const terms = { leaseMs, marginMs };
    for (const vm of records.vms.latestValues()) {
      const sinceHeardMs = silence.get(vm.node ?? "");
      if (sinceHeardMs === undefined || !runner.isIdle(vm.uid)) continue;
      if (!mayRestartByTime(vm, { sinceHeardMs, terms })) continue;
      const why = `its node ${vm.node} was lost, and its guard has paused it ` +
        `(it was ${lastState(vm.status)})`;
      yield { vm, why };
    }
  }

  async #start(vm: Vm, why: string): Promise<void> {
    const { context, records } = this.#parts;
    const { state } = vm.status;
    // Its node came back with it, somebody started it, or nobody wants it any more.
    const isUp = state !== "unknown" && occupies(state);
    if (isUp || vm.spec.power !== "on") {
      return await this.#settle(vm, isUp ? "runs" : "is wanted off");
    }
    const { count = 0, at = null } = vm.restarts ?? {};
    const turn = restartTurn({ count, at }, context.clock.now());
    if (turn.type === "never") {
      this.#tell(vm, `it was started ${count} times in a row`);
      return await this.#settle(vm, "was started too often");
    }
    if (turn.type === "later") return;
    const node = targetFor(vm, records, { ...this.#bounds(vm), starts: true });
    await this.#takeOver({
      vm,
      node,
      why,
      at: isoNow(context),
      newId: context.newId,
    });
  }

  /** From the choice of the node to here nothing was waited for. */
  async #takeOver(takeover: Takeover): Promise<void> {
    const { context, records, runner, strays, audit } = this.#parts;
    const { vm, node, why, at } = takeover;
    const taken = takenOver(takeover);
    const operation = takeoverStart(takeover);
    if (runner.claim(vm.uid, operation) !== null) return;
    const move = advance(operation, taken, { at, uncertain: false });
    const note = `taken over from ${vm.node}: ${why}`;
    const request = requestOf(operation);
    const told = noteOf(operation, vm);
    // Before the write, which takes it along.
    audit.note({ ...told, decision: "told", reason: note });
    try {
      await records.write([
        { kind: "request", key: request.id, value: request },
        { kind: "vm", key: vm.uid, value: taken, note },
        operationWrite(move.operation),
      ]);
    } catch (error) {
      runner.unclaim(vm.uid, operation.id);
      audit.note({ ...told, ...whyOf(error) });
      throw error;
    }
    this.#told.delete(vm.uid);
    const from = vm.node;
    // A node that stays connected does not tell again what it has of it.
    if (from !== null && from !== node) strays.note(from, copyLeft(vm));
    context.log.warn("a VM starts elsewhere", { vm: vm.name, from, node, why });
    this.#leave(vm, node);
    // What its old node may have left unanswered is of no concern any more.
    runner.settled(vm.uid);
    runner.resume(move);
  }

  /** What lies on the node that it leaves goes; one that is away tells of it once it is back. */
  #leave({ uid, node, spec }: Vm, to: string): void {
    const { records, leftovers } = this.#parts;
    if (node === null || node === to || spec.driver === null) return;
    if (records.nodes.latest(node)?.state !== "ready") return;
    leftovers.suspect(node, uid, spec.driver);
  }

  /**
   * Never nodes that have an older copy, nor its old node until that is back.
   * One that may run on its node after all starts nowhere else.
   */
  #bounds(vm: Vm): Pick<Moving, "exclude" | "on"> {
    const { runner, strays } = this.#parts;
    const { uid, node } = vm;
    const isAway = node !== null && !this.#isBack(vm);
    const exclude = [...strays.nodesOf(uid), ...(isAway ? [node] : [])];
    const isBound = node !== null && vm.status.state !== "unknown" &&
      runner.isUncertain(uid);
    return isBound ? { exclude, on: node } : { exclude };
  }

  /** Whether its node is there. */
  #isBack({ node }: Vm): boolean {
    return this.#parts.records.nodes.latest(node ?? "")?.state === "ready";
  }

  /** Nothing is owed any more. */
  async #settle(vm: Vm, why: string): Promise<void> {
    const { records, context } = this.#parts;
    if (vm.restarts?.due !== true) return;
    context.log.info("no start is owed to a VM any more", {
      vm: vm.name,
      why,
    });
    const value = { ...vm, restarts: { ...vm.restarts, due: false } };
    const note = `no start is owed any more: it ${why}`;
    await records.write([{ kind: "vm", key: vm.uid, value, note }]);
  }

  #tell(vm: Vm, why: string): void {
    if (this.#told.get(vm.uid) === why) return;
    this.#told.set(vm.uid, why);
    this.#parts.context.log.warn("a VM of a lost node has to wait", {
      vm: vm.name,
      why,
    });
  }
}

/** What of a start that nobody asked for is noted in the audit log. */
function noteOf(
  { id, request, user, verb, node }: Operation,
  { name, node: from }: Vm,
): Omit<AuditNote, "decision"> {
  return {
    user,
    via: "controller",
    verb,
    names: [name],
    args: { from, node },
    request,
    operations: [id],
  };
}
