/**
 * The runner: whose turn it is on every VM.
 *
 * Operations on one VM run one at a time, in the order they came; a power cut
 * goes ahead and pushes the holder aside. What an operation does while it has
 * its turn is a `Run`; whatever becomes of that, the lane is given on.
 *
 * @module
 */
import { cancelled, type Move } from "../../core/advance.ts";
import { refuseUncancellable } from "../../core/cancelling.ts";
import { isFinal } from "../../core/operation_machine.ts";
import { lastThatWorked, mayRunUnseen } from "../../core/unanswered.ts";
import { messageOf } from "../../error/mod.ts";
import type { Operation } from "../../schema/operation.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { Domains } from "../nodes/domains.ts";
import { Gathering } from "../nodes/gathering.ts";
import type { Leftovers } from "../nodes/leftovers.ts";
import type { NodeLinks } from "../nodes/node_links.ts";
import type { Records } from "../records/records.ts";
import { leaveCopies } from "./broken.ts";
import { durably } from "./durably.ts";
import { type Holder, type Lane, Lanes, takesOver } from "./lane.ts";
import { Run } from "./run.ts";
import { Cancel, type Registering, type RunParts } from "./run_parts.ts";
import { operationWrite } from "./writes.ts";

/** How long a holder may take to give way to a poweroff. */
const TAKEOVER_MS = 2000;

/** How long the end of the controller waits for runs that are writing. */
const STOP_MS = 500;

/** What the runner works with. */
export interface RunnerParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly domains: Domains;
  readonly leftovers: Leftovers;
  readonly outbox: Registering;
}

/** The holder of a VM, as it is named to people. */
export interface Named {
  readonly id: string;
  readonly verb: string;
}

/** Runs operations. */
export class Runner {
  /** The nodes that a new controller has not heard of yet. */
  readonly gathering: Gathering;
  readonly #parts: RunParts;
  readonly #lanes = new Lanes();
  readonly #runs = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(parts: RunnerParts) {
    this.gathering = new Gathering(parts.records);
    this.#parts = {
      ...parts,
      gathering: this.gathering,
      stopped: this.#stop.signal,
      isUncertain: (uid) => this.isUncertain(uid),
    };
  }

  /** The operation that holds a VM, or null. */
  holderOf(uid: string): Named | null {
    const holder = this.#lanes.get(uid)?.holder;
    return holder == null ? null : nameOf(holder);
  }

  /** Whether no operation holds the VM or waits for it. */
  isIdle(uid: string): boolean {
    return this.#lanes.get(uid)?.idle ?? true;
  }

  /**
   * Whether what is known of the VM may be wrong: an act ended without an
   * answer, or its node cannot tell what has become of it meanwhile.
   */
  isUncertain(uid: string): boolean {
    if (this.#lanes.get(uid)?.uncertain === true) return true;
    const { records, links } = this.#parts;
    const { node = null, status } = records.vms.latest(uid) ?? {};
    if (node === null || status?.state === "absent") return false;
    if (links.get(node)?.ready === true) return false;
    // What is said of VMs of a lost or dead node, the controller says itself.
    const nodeState = records.nodes.latest(node)?.state;
    return nodeState === "ready" || nodeState === "silent";
  }

  /** How many operations wait for a VM. */
  waiting(uid: string): number {
    return this.#lanes.get(uid)?.queue.length ?? 0;
  }

  /** What an operation on a VM would wait for; null when it may begin at once. */
  busyWith(uid: string): Named | null {
    const lane = this.#lanes.get(uid);
    if (lane === undefined || lane.idle) return null;
    return lane.holder === null
      ? { id: lane.queue[0] ?? "", verb: "another operation" }
      : nameOf(lane.holder);
  }

  /** Takes the lane of a VM for an operation that begins at once, or says who has it. */
  claim(uid: string, operation: Operation): Named | null {
    const before = this.busyWith(uid);
    if (before === null) this.#lanes.of(uid).hold(operation);
    return before;
  }

  /** Gives back a lane that was claimed for an operation that never became durable. */
  unclaim(uid: string, operation: string): void {
    const lane = this.#lanes.get(uid);
    if (lane?.holder?.operation === operation) this.#release(uid, lane);
  }

  /** Goes on with a durable operation that claimed its lane. */
  resume(move: Move): void {
    const { uid } = move.operation;
    const lane = this.#lanes.of(uid);
    if (move.step === null || lane.holder === null) {
      return this.#release(uid, lane);
    }
    this.#begin(uid, lane, lane.holder, move);
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
    this.#doubt();
    const open = [...this.#parts.records.operations.values()].filter((
      { state },
    ) => !isFinal(state));
    open.sort((a, b) =>
      Number(b.state !== "pending") - Number(a.state !== "pending") ||
      // Not by id: the machine's clock may have gone back between two.
      a.revision - b.revision
    );
    for (const operation of open) this.enqueue(operation);
    return open.length;
  }

  /** VMs that an earlier controller asked a node to start, and heard nothing of. */
  #doubt(): void {
    const { records } = this.#parts;
    const last = lastThatWorked(records.operations.values());
    for (const [uid, operation] of last) {
      const vm = records.vms.latest(uid);
      if (vm === undefined || !mayRunUnseen(vm, operation)) continue;
      const isDead = records.nodes.latest(vm.node ?? "")?.state === "dead";
      if (!isDead) this.#lanes.of(uid).uncertain = true;
    }
  }

  /**
   * Asks an operation to end at its next step. Rejects with `wrong_state` when
   * it is past that, and when its end cannot be noted.
   */
  async cancel(id: string, why: string): Promise<void> {
    const { records } = this.#parts;
    const operation = records.operations.latest(id);
    if (operation === undefined || isFinal(operation.state)) return;
    const { uid } = operation;
    const lane = this.#lanes.of(uid);
    refuseUncancellable(operation, records.vms.latest(uid));
    if (lane.holder?.operation === id) {
      lane.holder.abort.abort(new Cancel(why, false));
      return;
    }
    // Out of the queue before it is written, or it could begin meanwhile.
    const place = lane.remove(id);
    try {
      await records.write([
        operationWrite(cancelled(operation, this.#now(), why)),
      ]);
    } catch (error) {
      if (place >= 0) lane.queue.splice(place, 0, id);
      throw error;
    } finally {
      this.#pump(uid, lane);
    }
  }

  /** What is known of a VM became certain: its node told. */
  settled(uid: string): void {
    const lane = this.#lanes.get(uid);
    if (lane !== undefined) lane.uncertain = false;
    this.#lanes.sweep(uid);
  }

  /**
   * Stops where it is; what runs goes on after the next start. Runs that write
   * may end that; those that wait for a node then stop waiting, and write
   * nothing any more.
   */
  async stop(): Promise<void> {
    this.#stop.abort("the controller ends");
    this.gathering.end();
    await this.#runsEnded();
    for (const { abort } of this.#lanes.holders()) {
      abort.abort("the controller ends");
    }
    await this.#runsEnded();
  }

  /** Waits until every run has ended, and no longer than that may take. */
  async #runsEnded(): Promise<void> {
    if (this.#runs.size === 0) return;
    const ended = new AbortController();
    const { clock } = this.#parts.context;
    await Promise.race([
      Promise.allSettled([...this.#runs]),
      clock.sleep(STOP_MS, ended.signal).catch(() => {}),
    ]);
    ended.abort();
  }

  #pump(uid: string, lane: Lane): void {
    if (lane.holder !== null || this.#stop.signal.aborted) return;
    const id = lane.queue.shift();
    if (id === undefined) return this.#lanes.sweep(uid);
    const operation = this.#parts.records.operations.latest(id);
    if (operation === undefined || isFinal(operation.state)) {
      return this.#pump(uid, lane);
    }
    this.#begin(uid, lane, lane.hold(operation), null);
  }

  #release(uid: string, lane: Lane): void {
    lane.holder = null;
    this.#pump(uid, lane);
  }

  /** Lets the holder of a lane run; then the next one, whatever happened. */
  #begin(uid: string, lane: Lane, holder: Holder, first: Move | null): void {
    const { log } = this.#parts.context;
    const run = new Run(this.#parts, lane, holder).toEnd(first).catch(
      (error) => {
        if (this.#stop.signal.aborted) return;
        log.error("an operation's run broke", {
          operation: holder.operation,
          error: messageOf(error),
        });
      },
    ).finally(() => {
      this.#runs.delete(run);
      const isOurs = lane.holder === holder && !this.#stop.signal.aborted;
      if (isOurs) this.#release(uid, lane);
      if (holder.verb === "migrate") void this.#parts.leftovers.sweep();
    });
    this.#runs.add(run);
  }

  #askHolderToGiveWay(operation: Operation, lane: Lane): void {
    const { holder } = lane;
    if (holder === null || takesOver(holder.verb)) return;
    const { id, uid, verb } = operation;
    holder.abort.abort(new Cancel(`${verb} ${id} takes over`, true));
    const { clock, log } = this.#parts.context;
    clock.sleep(TAKEOVER_MS, this.#stop.signal)
      .then(() => this.#pushAside(uid, lane, holder, `${verb} ${id} took over`))
      .catch((error) => {
        if (this.#stop.signal.aborted) return;
        log.error("an operation could not be pushed aside", {
          operation: holder.operation,
          error: messageOf(error),
        });
      });
  }

  /** Takes the lane from a holder that did not give way. */
  async #pushAside(
    uid: string,
    lane: Lane,
    holder: Holder,
    why: string,
  ): Promise<void> {
    if (lane.holder !== holder) return;
    lane.uncertain = true;
    await durably(this.#parts, () => {
      const stuck = this.#parts.records.operations.latest(holder.operation);
      const isOpen = stuck !== undefined && !isFinal(stuck.state) &&
        lane.holder === holder;
      const writes = isOpen
        ? [operationWrite(cancelled(stuck, this.#now(), why))]
        : [];
      return { writes, result: null };
    });
    if (lane.holder !== holder) return;
    const pushed = this.#parts.records.operations.latest(holder.operation);
    if (pushed !== undefined) leaveCopies(this.#parts, pushed);
    this.#release(uid, lane);
  }

  #now(): string {
    return isoNow(this.#parts.context);
  }
}

function nameOf({ operation, verb }: Holder): Named {
  return { id: operation, verb };
}
