/**
 * A run: one operation, from where it is to its end, while it holds its lane.
 *
 * `core/advance.ts` decides what is next, `taking.ts` asks the nodes, `undo.ts`
 * takes back. Every move is durable before it acts, and what a node answered
 * becomes durable together with the move that follows from it. A run on old
 * records goes on where the last one stopped, since `advance` looks at what
 * is.
 *
 * @module
 */
import { advance, cancelled, ended, type Move } from "../../core/advance.ts";
import { isFinal } from "../../core/operation_machine.ts";
import { retargeted, triesAnother } from "../../core/migration.ts";
import {
  isDone,
  isPointOfNoReturn,
  isProvenByAnswer,
  nodeOf,
  type StepName,
} from "../../core/step.ts";
import { wished } from "../../core/wish.ts";
import { messageOf, UsherError } from "../../error/mod.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import { isoNow } from "../context.ts";
import { freed } from "./bound.ts";
import { leaveCopies, NOTHING, takeBack } from "./broken.ts";
import { durably, type Plan } from "./durably.ts";
import type { Holder, Lane } from "./lane.ts";
import { Moving } from "./moving.ts";
import { answerWrites } from "./note_answer.ts";
import { lastVm, notSo, viewOf } from "./outcome.ts";
import { placeIfAsked } from "./placing.ts";
import type { PlacedMove } from "./placed_move.ts";
import { untilRegistered } from "./registering.ts";
import { Cancel, type RunParts } from "./run_parts.ts";
import { takeAtNode } from "./taking.ts";
import type { Undone } from "./undo.ts";
import { decided, operationWrite, planOf } from "./writes.ts";

/** One operation that holds a lane. */
export class Run {
  readonly #parts: RunParts;
  readonly #lane: Lane;
  readonly #holder: Holder;
  readonly #moving: Moving;

  constructor(parts: RunParts, lane: Lane, holder: Holder) {
    this.#parts = parts;
    this.#lane = lane;
    this.#holder = holder;
    this.#moving = new Moving({
      run: parts,
      lane,
      vm: () => this.#vm(this.#operation()),
      operation: () => this.#operation(),
      say: (text) => this.#say(text),
    });
  }

  /**
   * Runs to the end, from the move that was made durable already, or from the
   * operation's next one. Resolves once the operation is final, another has
   * taken the lane, or the controller ends; rejects only by a bug.
   */
  async toEnd(first: Move | null): Promise<void> {
    this.#goOnCancelling(first);
    for (let move = first;;) {
      try {
        return await this.#steps(move);
      } catch (error) {
        if (this.#isOver()) return;
        move = await this.#finishBroken(error);
        if (move === null) return;
      }
    }
  }

  /** One that an earlier controller was cancelling is not taken up again. */
  #goOnCancelling(first: Move | null): void {
    const { state, step } = this.#operation();
    const isPast = step !== null && isPointOfNoReturn(step as StepName);
    if (first !== null || state !== "cancelling" || isPast) return;
    this.#holder.abort.abort(new Cancel("asked before", false));
  }

  /** Whether nothing may be done any more in the name of this operation. */
  #isOver(): boolean {
    return this.#parts.stopped.aborted || this.#lane.holder !== this.#holder;
  }

  async #steps(first: Move | null): Promise<void> {
    const { signal } = this.#holder.abort;
    signal.throwIfAborted();
    let move = first ?? await this.#begin();
    while (move.step !== null) {
      signal.throwIfAborted();
      const step = move.step;
      const domain = await this.#take(step, signal);
      move = await this.#afterStep(step, domain);
    }
  }

  /** The first move of an operation that waited, made durable. */
  async #begin(): Promise<Move> {
    const { records, gathering } = this.#parts;
    const waiting = this.#operation();
    const vm = records.vms.latest(waiting.uid);
    const { signal } = this.#holder.abort;
    await gathering.untilChoice(waiting, vm, signal);
    return await this.#durably(() => {
      const operation = { ...this.#operation(), waitsFor: null };
      const known = this.#parts.records.vms.latest(operation.uid);
      const vm = known &&
        wished(freed(known, operation, this.#parts), operation);
      const move = this.#placeIfAsked(this.#advance(operation, vm), vm);
      const isNews = vm !== undefined && vm !== known &&
        move.operation.state !== "failed" &&
        !move.writes.some(({ kind }) => kind === "vm");
      return planOf(
        move,
        isNews ? [{ kind: "vm", key: vm.uid, value: vm, note: "changed" }] : [],
      );
    });
  }

  /** Takes one step; answers with the domain as its node then reports it. */
  async #take(
    step: StepName,
    signal: AbortSignal,
  ): Promise<DomainFrame | null> {
    if (step === "place") await this.#parts.gathering.untilOver(signal);
    if (step === "place" || step === "unregister") return null;
    const operation = this.#operation();
    if (operation.verb === "migrate") {
      return await this.#moving.take(step, signal);
    }
    await untilRegistered(step, operation, this.#parts, signal);
    const { records, links, context: { clock } } = this.#parts;
    const vm = () => this.#vm(operation);
    const answer = await takeAtNode(
      step,
      { clock, records, links, lane: this.#lane, operation, vm },
      signal,
    );
    return answer.domain;
  }

  /** Writes what a step brought, also when that is not what it should, together with the next move. */
  async #afterStep(step: StepName, domain: DomainFrame | null): Promise<Move> {
    let at = "";
    const came = await this.#durably<Move | UsherError>(() => {
      const operation = this.#operation();
      const known = this.#vm(operation);
      if (step === "unregister") return this.#unregistered(operation, known);
      const node = nodeOf(step, operation, known);
      const reported = domain === null || node === null
        ? []
        : this.#parts.domains.writesFor(node, domain);
      // What the step came to; the VM may be otherwise by now.
      const vm = lastVm(reported, known);
      at = node ?? "";
      const news = domain === null || node === null
        ? []
        : answerWrites(this.#parts, node, domain);
      if (!isDone(step, viewOf(operation, vm))) {
        return { writes: news, result: notSo(operation, vm) };
      }
      const done = isProvenByAnswer(step) ? step : undefined;
      const next = this.#placeIfAsked(this.#advance(operation, vm, done));
      return decided(planOf(next, news), known, this.#holder.abort.signal);
    });
    if (domain !== null) this.#parts.links.get(at)?.used(domain);
    if (came instanceof UsherError) throw came;
    return came;
  }

  #unregistered(operation: Operation, vm: Vm): Plan<Move> {
    // Nothing is there any more that could be otherwise.
    this.#lane.uncertain = false;
    const done: Operation = {
      ...operation,
      state: "succeeded",
      step: null,
      endedAt: this.#now(),
    };
    return planOf({ operation: done, step: null, writes: [] }, [
      { kind: "vm", key: vm.uid, value: null, note: "unregistered" },
    ]);
  }

  /**
   * Ends an operation that was cancelled or failed, undoing what it began.
   * Answers its next move when it is tried another way instead.
   */
  async #finishBroken(error: unknown): Promise<Move | null> {
    const { reason } = this.#holder.abort.signal;
    const cancel = reason instanceof Cancel ? reason : null;
    if (isFinal(this.#operation().state)) return null;
    if (cancel?.takeover === true) {
      leaveCopies(this.#parts, this.#operation());
      await this.#end(cancel, error);
      return null;
    }
    const step = this.#operation().step as StepName | null;
    if (cancel !== null && step !== null && !isPointOfNoReturn(step)) {
      await this.#durably(() => {
        const operation = {
          ...this.#operation(),
          state: "cancelling" as const,
        };
        const note = `cancelling: ${cancel.why}`;
        return { writes: [operationWrite(operation, note)], result: null };
      });
    }
    const undone = await takeBack(this.#parts, this.#operation(), error, {
      wholly: cancel !== null,
    });
    if (undone.certain) this.#lane.uncertain = false;
    // A power cut may have pushed this operation aside meanwhile.
    if (this.#isOver()) return null;
    const again = cancel === null && undone.certain
      ? await this.#anotherWay(error, undone)
      : null;
    if (again === null) await this.#end(cancel, error, undone);
    return again;
  }

  /** The first move of another attempt, made durable; null when there is none. */
  #anotherWay(error: unknown, undone: Undone): Promise<Move | null> {
    return this.#durably<Move | null>(() => {
      const operation = this.#operation();
      if (!triesAnother(operation, error)) return { writes: [], result: null };
      const again = retargeted(operation, this.#now(), messageOf(error));
      const writes = undone.writes();
      const vm = lastVm(writes, this.#vm(operation));
      const move = this.#placeIfAsked(this.#advance(again, vm), vm);
      return move.step === null
        ? { writes: [], result: null }
        : planOf(move, writes);
    });
  }

  /** Puts a line into the trail while the operation goes on. */
  #say(text: string): Promise<void> {
    return this.#durably(() => {
      const operation = this.#operation();
      const said = { at: this.#now(), source: "controller", text };
      const trail = [...operation.trail, said];
      return {
        writes: [operationWrite({ ...operation, trail })],
        result: undefined,
      };
    });
  }

  async #end(
    cancel: Cancel | null,
    error: unknown,
    undone: Undone = NOTHING,
  ): Promise<void> {
    await this.#durably(() => {
      const operation = this.#operation();
      if (isFinal(operation.state)) return { writes: [], result: null };
      const at = this.#now();
      const final = cancel === null
        ? ended(operation, at, error).operation
        : cancelled(operation, at, cancel.why);
      const said = undone.trail.map((text) => ({
        at,
        source: "controller",
        text,
      }));
      const trail = [...final.trail, ...said];
      return {
        writes: [...undone.writes(), operationWrite({ ...final, trail })],
        result: null,
      };
    });
  }

  #placeIfAsked(
    move: Move,
    vm = this.#parts.records.vms.latest(move.operation.uid),
  ): PlacedMove {
    const { records } = this.#parts;
    const { uncertain } = this.#lane;
    return placeIfAsked(move, vm, { records, at: this.#now(), uncertain });
  }

  #advance(
    operation: Operation,
    vm: Vm | undefined,
    done?: StepName,
  ): Move {
    return advance(operation, vm, {
      at: this.#now(),
      // A step is taken again in any case; a verb's goal must not be believed.
      uncertain: operation.state === "pending"
        ? this.#parts.isUncertain(operation.uid)
        : this.#lane.uncertain,
      done,
    });
  }

  /** Writes in the name of the holder of the lane, and in no other. */
  #durably<T>(plan: () => Plan<T>): Promise<T> {
    return durably(this.#parts, () => {
      if (this.#isOver()) {
        throw new UsherError("cancelled", "Another operation holds the VM");
      }
      return plan();
    });
  }

  #operation(): Operation {
    const id = this.#holder.operation;
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

  #now(): string {
    return isoNow(this.#parts.context);
  }
}
