/**
 * Requests: from what a client asks to durable operations, one per VM.
 *
 * All that can be refused is refused before anything is written. Then one
 * commit makes the request, its operations and its new VMs durable, with the
 * first step of every operation that can begin at once, so that the common
 * start costs one write before and one after. Placement sees the whole
 * request as one decision, taken in one synchronous step.
 *
 * @module
 */
import { ended } from "../../core/advance.ts";
import { isFinal } from "../../core/operation_machine.ts";
import { UsherError } from "../../error/mod.ts";
import { type Events, NO_EVENTS } from "../../plugin/events.ts";
import type {
  Operation,
  Outcome,
  Result,
  Verb,
} from "../../schema/operation.ts";
import type { Plan } from "../../schema/plan.ts";
import type { VmRequest } from "../../schema/request.ts";
import type { RequestRecord } from "../../schema/stored.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Mutation } from "../../store/store.ts";
import { maySeeAll } from "../auth/access.ts";
import { type AuditSink, NO_AUDIT } from "../audit/sink.ts";
import { type Caller, isInScope } from "../auth/caller.ts";
import { hashToken } from "../auth/accounts.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { Decision, KeptAnswers } from "../events/kept_answers.ts";
import { type Draft, draftsOf, type Whole } from "./drafts.ts";
import { type FirstMove, firstMoves } from "./first_moves.ts";
import { operationWrite } from "../operations/writes.ts";
import { planFor } from "./plans.ts";
import { Deciding } from "./deciding.ts";
import { type Allowed, unchanged } from "./request_chains.ts";
import { allowedNote, refusedNote } from "./request_notes.ts";
import { bondOf, recordOf, type Sent } from "./sent.ts";
import type { Runner } from "../operations/runner.ts";
import type { Records } from "../records/records.ts";
import type { SpecDefaults } from "./specs.ts";
import { withTurn } from "./turns.ts";

/** What requests are made with. */
export interface RequestParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly runner: Runner;
  readonly defaults: () => SpecDefaults;
  /** Nobody hears anything when absent. */
  readonly events?: Events;
  /** Keeps what handlers answer while others are asked. */
  readonly answers?: KeptAnswers;
  readonly audit?: AuditSink;
}

/** Takes requests in. */
export class Requests {
  readonly #parts: RequestParts;
  readonly #audit: AuditSink;
  /** Requests whose chains have not ended. */
  readonly deciding: Deciding;
  readonly #inFlight = new Map<string, Promise<Result>>();

  constructor(parts: RequestParts) {
    this.#parts = parts;
    this.#audit = parts.audit ?? NO_AUDIT;
    const { events = NO_EVENTS, records } = parts;
    this.deciding = new Deciding({ events, records });
  }

  /**
   * Makes a request's operations durable and lets them begin. The same id
   * again answers with what it made the first time; with another content it
   * is refused as `already_exists`.
   */
  async submit(
    request: VmRequest,
    caller: Caller,
    whole?: Whole,
  ): Promise<Result> {
    const id = request.id ?? this.#parts.context.newId();
    const { id: _, ...content } = request;
    const digest = hashToken(JSON.stringify([caller.user, content]));
    // One at a time, also among those who waited for one that then failed.
    for (
      let flying = this.#inFlight.get(id);
      flying !== undefined;
      flying = this.#inFlight.get(id)
    ) await flying.catch(() => {});
    const known = this.#parts.records.requests.latest(id);
    if (known !== undefined) return this.#repeated(known, digest, caller);
    const at = isoNow(this.#parts.context);
    const result = this.#accept({ id, digest, request, caller, whole, at });
    this.#inFlight.set(id, result);
    try {
      return await result;
    } finally {
      this.#inFlight.delete(id);
    }
  }

  /** What a request would do; nothing is done, and nothing written. */
  async plan(request: VmRequest, caller: Caller): Promise<Plan> {
    const { gathering } = this.#parts.runner;
    const { newId } = this.#parts.context;
    // Of a name of its own, and what handlers do then goes nowhere.
    const asking = { id: `plan-${newId()}`, request, caller };
    const allowed = await this.deciding.tryOut(asking);
    const plugins = [...allowed.changes];
    for (;;) {
      const plan = {
        ...planFor(allowed.request, caller, this.#parts),
        plugins,
      };
      const isShort = plan.vms.some(({ problem }) =>
        problem?.code === "insufficient_resources"
      );
      // The request would wait for its nodes, too.
      if (gathering.isOver || !isShort) return plan;
      await gathering.news();
    }
  }

  /** The result of a request so far. Throws `not_found`. */
  result(id: string, caller: Caller): Result {
    const request = this.#parts.records.requests.get(id);
    if (
      request === undefined ||
      (request.user !== caller.user && !maySeeAll(caller))
    ) throw noRequest(id);
    const ids = this.#parts.records.byRequest.get(id) ?? [];
    const outcomes = ids.map((operation) => this.#outcome(operation)).filter((
      outcome,
    ) => outcome !== null);
    // A token that is for some VMs is told of requests for those alone.
    if (!outcomes.every(({ vm }) => isInScope(caller, vm))) throw noRequest(id);
    return {
      request: id,
      verb: request.verb as Verb,
      done: outcomes.every((outcome) => isFinal(outcome.state)),
      outcomes,
    };
  }

  /** A request that is not taken in yet; null when there is none that the caller may see. */
  pending(id: string, caller: Caller): Promise<Result> | null {
    const pending = this.#inFlight.get(id);
    return this.deciding.isSeenBy(id, caller) ? pending ?? null : null;
  }

  /** Whether a request is on its way: not refused, and not durable yet. */
  isAwaited(id: string): boolean {
    return this.#inFlight.has(id);
  }

  /** Ids of a request's operations, in its order. */
  operationsOf(id: string): readonly string[] {
    return this.#parts.records.byRequest.get(id) ?? [];
  }

  #repeated(known: RequestRecord, digest: string, caller: Caller): Result {
    if (known.digest !== digest) {
      throw new UsherError(
        "already_exists",
        `Request id "${known.id}" was used for something else`,
        { field: "id" },
      );
    }
    return this.result(known.id, caller);
  }

  async #accept(sent: Sent): Promise<Result> {
    try {
      return await this.#decide(sent);
    } catch (error) {
      this.#audit.note(refusedNote(sent, error));
      throw error;
    }
  }

  async #decide(sent: Sent): Promise<Result> {
    const { answers } = this.#parts;
    if (answers === undefined) return await this.#take(sent);
    const decision = answers.open(sent.id, bondOf(sent));
    try {
      const result = await this.#take(sent, decision);
      answers.over(decision);
      return result;
    } catch (error) {
      answers.drop(decision);
      throw error;
    }
  }

  async #take(sent: Sent, decision?: Decision): Promise<Result> {
    const { gathering } = this.#parts.runner;
    const allowed = await this.deciding.decide(sent, decision);
    const extra = () => this.#removal(decision);
    if (allowed instanceof UsherError) {
      this.#audit.note(refusedNote(sent, allowed));
      return this.#refuse(sent, allowed, extra());
    }
    let drafts = this.#draft(sent, allowed);
    // While nodes may still come back to a new controller, no VM is without
    // room. From the last look to the write that follows nothing is waited for.
    while (!gathering.isOver && this.#isShort(drafts, sent.at)) {
      await gathering.news();
      drafts = this.#draft(sent, allowed);
    }
    const record = recordOf(sent, drafts.length, allowed);
    const ids = drafts.map(({ operation }) => operation.id);
    this.#audit.note(allowedNote(sent, allowed, ids));
    const moves = await this.#claimAndWrite(record, drafts, extra());
    for (const { move, claimed } of moves) {
      if (claimed) this.#parts.runner.resume(move);
      else if (!isFinal(move.operation.state)) {
        this.#parts.runner.enqueue(move.operation);
      }
    }
    return this.result(sent.id, sent.caller);
  }

  /** What a drain asks for and may not have becomes parts of it that failed, and say why. */
  async #refuse(
    sent: Sent,
    error: UsherError,
    extra: readonly Mutation[],
  ): Promise<Result> {
    const { at } = sent;
    const drafts = this.#draft(sent, unchanged(sent.request));
    const record = recordOf(sent, drafts.length, { plugins: {} });
    await this.#parts.records.write([
      { kind: "request", key: record.id, value: record },
      ...drafts.map(({ operation }) =>
        operationWrite(
          ended({ ...operation, changed: false }, at, error).operation,
        )
      ),
    ], extra);
    return this.result(sent.id, sent.caller);
  }

  #removal(decision: Decision | undefined): readonly Mutation[] {
    return decision === undefined
      ? []
      : this.#parts.answers?.removal(decision) ?? [];
  }

  /** Whether a VM would have no room if it began now. */
  #isShort(drafts: readonly Draft[], at: string): boolean {
    const { runner } = this.#parts;
    const free = drafts.map((draft) => ({
      ...draft,
      claimed: runner.holderOf(draft.vm.uid) === null,
    }));
    return firstMoves(free, { ...this.#parts, at }).some(({ move }) =>
      move.operation.problem?.code === "insufficient_resources"
    );
  }

  /** What the request means for each of its VMs. */
  #draft({ id, caller, at, whole }: Sent, allowed: Allowed): Draft[] {
    const { records, runner, defaults, context: { newId } } = this.#parts;
    const parts = { records, runner, defaults, newId };
    const { request, trail, plugins } = allowed;
    const drafts = draftsOf(request, caller, parts, { id, at, whole });
    if (trail.length === 0 && Object.keys(plugins).length === 0) return drafts;
    return drafts.map((draft) => ({
      ...draft,
      operation: {
        ...draft.operation,
        plugins,
        trail: [...draft.operation.trail, ...trail],
      },
    }));
  }

  /** Takes the lanes, and gives them back when the request does not become durable. */
  async #claimAndWrite(
    record: RequestRecord,
    drafts: readonly Draft[],
    extra: readonly Mutation[],
  ): Promise<FirstMove[]> {
    const { records, runner } = this.#parts;
    try {
      const at = record.createdAt;
      const claimed = drafts.map((draft) => this.#claim(draft, at));
      const moves = firstMoves(claimed, { ...this.#parts, at });
      await records.write([
        { kind: "request", key: record.id, value: record },
        ...moves.flatMap(({ writes, move: { operation } }, i) => [
          ...writes,
          operationWrite(operation, undefined, claimed[i]?.vm),
        ]),
      ], extra);
      return moves;
    } catch (error) {
      for (const { operation } of drafts) {
        runner.unclaim(operation.uid, operation.id);
      }
      throw error;
    }
  }

  #claim(draft: Draft, at: string): Draft {
    const { runner } = this.#parts;
    const { uid } = draft.vm;
    const holder = runner.claim(uid, draft.operation);
    return withTurn(draft, { holder, waiting: runner.waiting(uid) }, at);
  }

  #outcome(id: string): Outcome | null {
    const operation = this.#parts.records.operations.get(id);
    return operation === undefined ? null : outcomeOf(
      this.#parts.records.withProgress(operation),
      this.#parts.records.vms.get(operation.uid),
    );
  }
}

/** What became of an operation, for its request's result. */
export function outcomeOf(operation: Operation, vm: Vm | undefined): Outcome {
  return {
    vm: operation.vm,
    uid: operation.uid,
    operation: operation.id,
    state: operation.state,
    changed: operation.changed,
    step: operation.step,
    node: vm?.node ?? operation.node,
    ...(operation.to === null ? {} : { to: operation.to }),
    ...(operation.progress === undefined
      ? {}
      : { progress: operation.progress }),
    vmState: vm?.status.state ?? null,
    problem: operation.problem,
  };
}

function noRequest(id: string): UsherError {
  return new UsherError("not_found", `There is no request "${id}"`, {
    hint: 'see operations with "usher op list"',
  });
}
