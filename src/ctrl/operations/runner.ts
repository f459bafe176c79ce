/**
 * The runner: takes operations through their steps, one at a time per VM.
 *
 * It owns the order of things and nothing else: `core/advance.ts` decides
 * what is next, `steps.ts` asks the nodes, `undo.ts` takes back. Every move
 * is durable before it acts, and what a node answered becomes durable
 * together with the move that follows from it. A runner that starts on old
 * records goes on where the last one stopped, since `advance` looks at what
 * is.
 *
 * @module
 */
import { advance, cancelled, ended, type Move } from "../../core/advance.ts";
import { isFinal } from "../../core/operation_machine.ts";
import { holds, isPointOfNoReturn, type StepName } from "../../core/step.ts";
import { messageOf, UsherError } from "../../error/mod.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { Domains } from "../domains.ts";
import type { NodeLinks } from "../node_links.ts";
import type { Records, Write } from "../records.ts";
import { type Lane, Lanes, takesOver } from "./lane.ts";
import { type PlacedMove, placeIfAsked } from "./placing.ts";
import { takeAtNode } from "./taking.ts";
import { undo } from "./undo.ts";

/** How long a holder may take to give way to a poweroff. */
const TAKEOVER_MS = 2000;

/** Why a run was aborted. */
class Cancel {
  constructor(readonly why: string, readonly takeover: boolean) {}
}

/** What the runner works with. */
export interface RunnerParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly domains: Domains;
}

/** Runs operations. */
export class Runner {
  readonly #parts: RunnerParts;
  readonly #lanes = new Lanes();
  readonly #runs = new Set<Promise<void>>();
  #stopped = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** The operation that holds a VM, or null. */
  holderOf(uid: string): { id: string; verb: string } | null {
    const holder = this.#lanes.get(uid)?.holder;
    return holder == null ? null : { id: holder.operation, verb: holder.verb };
  }

  /** Whether an operation that turns the VM on runs or waits. */
  isStarting(uid: string): boolean {
    const lane = this.#lanes.get(uid);
    if (lane === undefined || lane.holder === null) return false;
    return lane.holder.verb === "start" || lane.holder.verb === "cycle" ||
      lane.holder.verb === "reboot";
  }

  /** Whether what is known of the VM may be wrong. */
  isUncertain(uid: string): boolean {
    return this.#lanes.get(uid)?.uncertain === true;
  }

  /** Takes the lane of a VM for an operation that begins at once, or says who has it. */
  claim(
    uid: string,
    operation: Operation,
  ): { id: string; verb: string } | null {
    const lane = this.#lanes.of(uid);
    if (!lane.idle) {
      const holder = lane.holder;
      if (holder !== null) return { id: holder.operation, verb: holder.verb };
      return { id: lane.queue[0] ?? "", verb: "another operation" };
    }
    lane.holder = {
      operation: operation.id,
      verb: operation.verb,
      abort: new AbortController(),
    };
    return null;
  }

  /** Gives back a lane that was claimed for an operation that never became durable. */
  unclaim(uid: string, operation: string): void {
    const lane = this.#lanes.get(uid);
    if (lane?.holder?.operation === operation) this.#release(uid, lane);
  }

  /** Goes on with a durable operation that claimed its lane. */
  resume(move: Move): void {
    const { operation } = move;
    const lane = this.#lanes.of(operation.uid);
    if (move.step === null) return this.#release(operation.uid, lane);
    this.#track(this.#run(lane, operation.id, move));
  }

  /** Queues a durable, pending operation behind its lane's holder. */
  enqueue(operation: Operation): void {
    const lane = this.#lanes.of(operation.uid);
    if (takesOver(operation.verb)) {
      lane.queue.unshift(operation.id);
      this.#askHolderToGiveWay(operation, lane);
    } else lane.queue.push(operation.id);
    this.#pump(operation.uid, lane);
  }

  /** Takes up what an earlier controller left. Running ones go first. */
  recover(): number {
    const open = [...this.#parts.records.operations.values()].filter((
      { state },
    ) => !isFinal(state));
    open.sort((a, b) =>
      Number(b.state !== "pending") - Number(a.state !== "pending") ||
      (a.id < b.id ? -1 : 1)
    );
    for (const operation of open) this.enqueue(operation);
    return open.length;
  }

  /** Asks an operation to end at its next step. */
  async cancel(id: string, why: string): Promise<void> {
    const operation = this.#parts.records.operations.latest(id);
    if (operation === undefined || isFinal(operation.state)) return;
    const lane = this.#lanes.of(operation.uid);
    if (lane.holder?.operation === id) {
      lane.holder.abort.abort(new Cancel(why, false));
      return;
    }
    lane.remove(id);
    await this.#write(cancelled(operation, this.#now(), why));
    this.#pump(operation.uid, lane);
  }

  /** What is known of a VM became certain: its node told. */
  settled(uid: string): void {
    const lane = this.#lanes.get(uid);
    if (lane !== undefined) lane.uncertain = false;
    this.#lanes.sweep(uid);
  }

  /** Stops where it is; what runs goes on after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.race([
      Promise.allSettled([...this.#runs]),
      this.#parts.context.clock.sleep(500),
    ]);
  }

  #pump(uid: string, lane: Lane): void {
    if (lane.holder !== null || this.#stopped) return;
    const id = lane.queue.shift();
    if (id === undefined) return this.#lanes.sweep(uid);
    const operation = this.#parts.records.operations.latest(id);
    if (operation === undefined || isFinal(operation.state)) {
      return this.#pump(uid, lane);
    }
    lane.holder = {
      operation: id,
      verb: operation.verb,
      abort: new AbortController(),
    };
    this.#track(this.#run(lane, id, null));
  }

  #release(uid: string, lane: Lane): void {
    lane.holder = null;
    this.#pump(uid, lane);
  }

  #track(run: Promise<void>): void {
    const tracked = run.catch((error) => {
      this.#parts.context.log.error("an operation's run broke", {
        error: messageOf(error),
      });
    }).finally(() => this.#runs.delete(tracked));
    this.#runs.add(tracked);
  }

  /** Runs the holder of a lane to its end, then lets the next begin. */
  async #run(lane: Lane, id: string, first: Move | null): Promise<void> {
    const holder = lane.holder;
    if (holder === null) return;
    const uid = this.#operation(id).uid;
    try {
      await this.#steps(lane, id, first, holder.abort.signal);
    } catch (error) {
      if (this.#stopped) return;
      if (lane.holder !== holder) return;
      await this.#finishBroken(lane, id, error, holder.abort.signal);
    } finally {
      if (lane.holder === holder && !this.#stopped) this.#release(uid, lane);
    }
  }

  async #steps(
    lane: Lane,
    id: string,
    first: Move | null,
    signal: AbortSignal,
  ): Promise<void> {
    let move = first ?? await this.#begin(lane, id);
    while (move.step !== null) {
      signal.throwIfAborted();
      const step = move.step;
      const domain = await this.#take(lane, step, id, signal);
      move = await this.#afterStep(lane, step, id, domain);
    }
  }

  /** The first move of an operation that waited, made durable. */
  async #begin(lane: Lane, id: string): Promise<Move> {
    const operation = this.#operation(id);
    const vm = this.#parts.records.vms.latest(operation.uid);
    const move = this.#placeIfAsked(
      this.#advance({ ...operation, waitsFor: null }, vm, lane),
    );
    await this.#parts.records.write([
      ...move.writes,
      operationWrite(move.operation),
    ]);
    return move;
  }

  /** Takes one step; answers with the domain as its node then reports it. */
  async #take(
    lane: Lane,
    step: StepName,
    id: string,
    signal: AbortSignal,
  ): Promise<DomainFrame | null> {
    if (step === "place" || step === "unregister") return null;
    const operation = this.#operation(id);
    const { records, links } = this.#parts;
    const vm = () => this.#vm(operation);
    return await takeAtNode(
      step,
      { records, links, lane, operation, vm },
      signal,
    );
  }

  /** Writes what a step brought together with the next move. */
  async #afterStep(
    lane: Lane,
    step: StepName,
    id: string,
    domain: DomainFrame | null,
  ): Promise<Move> {
    const operation = this.#operation(id);
    const known = this.#vm(operation);
    if (step === "unregister") return this.#writeUnregistered(operation, known);
    const reported = domain === null || known.node === null
      ? []
      : this.#parts.domains.writesFor(known.node, domain);
    const vm = lastVm(reported, known);
    if (step !== "place" && !holds(step, viewOf(operation, vm))) {
      throw new UsherError(
        "driver_failed",
        `Cannot ${operation.verb} VM "${vm.name}": it is ${vm.status.state} afterwards`,
        {
          hint: vm.status.reason === ""
            ? undefined
            : `the node says: ${vm.status.reason}`,
          subject: vm.name,
        },
      );
    }
    const done = { ...operation, begun: [...operation.begun] };
    const move = this.#placeIfAsked(this.#advance(done, vm, lane));
    await this.#parts.records.write([
      ...reported,
      ...move.writes,
      operationWrite(move.operation),
    ]);
    return move;
  }

  async #writeUnregistered(operation: Operation, vm: Vm): Promise<Move> {
    const at = this.#now();
    const done: Operation = {
      ...operation,
      state: "succeeded",
      step: null,
      endedAt: at,
    };
    await this.#parts.records.write([
      { kind: "vm", key: vm.uid, value: null, note: "unregistered" },
      operationWrite(done),
    ]);
    return { operation: done, step: null };
  }

  #placeIfAsked(move: Move): PlacedMove {
    const vm = this.#parts.records.vms.latest(move.operation.uid);
    return placeIfAsked(move, vm, {
      records: this.#parts.records,
      at: this.#now(),
      isStarting: (uid) => this.isStarting(uid),
    });
  }

  /** Ends an operation whose run was cancelled or failed, undoing what it began. */
  async #finishBroken(
    lane: Lane,
    id: string,
    error: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const operation = this.#operation(id);
    if (isFinal(operation.state)) return;
    const cancel = signal.reason instanceof Cancel ? signal.reason : null;
    const step = operation.step as StepName | null;
    if (cancel?.takeover === true) {
      return await this.#write(cancelled(operation, this.#now(), cancel.why));
    }
    if (cancel !== null && step !== null && !isPointOfNoReturn(step)) {
      await this.#write(
        { ...operation, state: "cancelling" },
        `cancelling: ${cancel.why}`,
      );
    }
    const undone = await undo(this.#parts, operation, error, {
      wholly: cancel !== null,
    });
    if (undone.certain) lane.uncertain = false;
    const final = cancel === null
      ? ended(this.#operation(id), this.#now(), error).operation
      : cancelled(this.#operation(id), this.#now(), cancel.why);
    const trail = [
      ...final.trail,
      ...undone.trail.map((text) => ({
        at: this.#now(),
        source: "controller",
        text,
      })),
    ];
    await this.#parts.records.write([
      ...undone.writes,
      operationWrite({ ...final, trail }),
    ]);
  }

  #askHolderToGiveWay(operation: Operation, lane: Lane): void {
    const { holder } = lane;
    if (holder === null || takesOver(holder.verb)) return;
    holder.abort.abort(
      new Cancel(`${operation.verb} ${operation.id} takes over`, true),
    );
    const { clock } = this.#parts.context;
    void clock.sleep(TAKEOVER_MS).then(async () => {
      if (lane.holder !== holder || this.#stopped) return;
      const stuck = this.#operation(holder.operation);
      lane.uncertain = true;
      if (!isFinal(stuck.state)) {
        await this.#write(
          cancelled(
            stuck,
            this.#now(),
            `${operation.verb} ${operation.id} took over`,
          ),
        );
      }
      if (lane.holder === holder) this.#release(operation.uid, lane);
    });
  }

  #advance(operation: Operation, vm: Vm | undefined, lane: Lane): Move {
    return advance(operation, vm, {
      at: this.#now(),
      uncertain: lane.uncertain,
    });
  }

  #operation(id: string): Operation {
    const operation = this.#parts.records.operations.latest(id);
    if (operation === undefined) {
      throw new UsherError("internal", `Operation ${id} is gone`);
    }
    return operation;
  }

  #vm(operation: Operation): Vm {
    const vm = this.#parts.records.vms.latest(operation.uid);
    if (vm === undefined) {
      throw new UsherError(
        "not_found",
        `VM "${operation.vm}" is no longer registered`,
      );
    }
    return vm;
  }

  #write(operation: Operation, note?: string): Promise<void> {
    return this.#parts.records.write([operationWrite(operation, note)]);
  }

  #now(): string {
    return isoNow(this.#parts.context);
  }
}

/** The write of an operation, with what happened for people. */
export function operationWrite(operation: Operation, note?: string): Write {
  const text = note ??
    (isFinal(operation.state)
      ? operation.state
      : operation.step ?? operation.state);
  return {
    kind: "operation",
    key: operation.id,
    value: operation,
    note: `${operation.verb} ${text}`,
  };
}

function viewOf(operation: Operation, vm: Vm) {
  return {
    operation,
    vm: {
      node: vm.node,
      state: vm.status.state,
      incarnation: vm.status.incarnation,
    },
  };
}

function lastVm(writes: readonly Write[], known: Vm): Vm {
  for (const write of writes) {
    if (
      write.kind === "vm" && write.key === known.uid && write.value !== null
    ) return write.value;
  }
  return known;
}
