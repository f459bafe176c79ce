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
import { ended } from "../core/advance.ts";
import { isFinal } from "../core/operation_machine.ts";
import { UsherError } from "../error/mod.ts";
import type { Operation, Outcome, Result, Verb } from "../schema/operation.ts";
import type { VmRequest } from "../schema/request.ts";
import type { RequestRecord } from "../schema/stored.ts";
import type { Vm } from "../schema/vm.ts";
import type { Caller } from "./auth/accounts.ts";
import { hashToken } from "./auth/accounts.ts";
import { type CtrlContext, isoNow } from "./context.ts";
import { type Draft, draftOf } from "./drafts.ts";
import { type FirstMove, firstMoves } from "./first_moves.ts";
import { maySeeAll, NameResolver } from "./names.ts";
import { MAX_WAITING, takesOver } from "./operations/lane.ts";
import { operationWrite } from "./operations/writes.ts";
import type { Named, Runner } from "./operations/runner.ts";
import type { Records } from "./records.ts";
import type { SpecDefaults } from "./specs.ts";
import { targetsOf } from "./targets.ts";

/** What requests are made with. */
export interface RequestParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly runner: Runner;
  readonly defaults: () => SpecDefaults;
}

/** Takes requests in. */
export class Requests {
  readonly #parts: RequestParts;
  readonly #inFlight = new Map<string, Promise<Result>>();

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  /**
   * Makes a request's operations durable and lets them begin. The same id
   * again answers with what it made the first time; with another content it
   * is refused as `already_exists`.
   */
  async submit(request: VmRequest, caller: Caller): Promise<Result> {
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
    const result = this.#accept(id, digest, request, caller);
    this.#inFlight.set(id, result);
    try {
      return await result;
    } finally {
      this.#inFlight.delete(id);
    }
  }

  /** The result of a request so far. Throws `not_found`. */
  result(id: string, caller: Caller): Result {
    const request = this.#parts.records.requests.get(id);
    if (
      request === undefined ||
      (request.user !== caller.user && !maySeeAll(caller))
    ) {
      throw new UsherError("not_found", `There is no request "${id}"`, {
        hint: 'see operations with "usher op list"',
      });
    }
    const ids = this.#parts.records.byRequest.get(id) ?? [];
    const outcomes = ids.map((operation) => this.#outcome(operation)).filter((
      outcome,
    ) => outcome !== null);
    return {
      request: id,
      verb: request.verb as Verb,
      done: outcomes.every((outcome) => isFinal(outcome.state)),
      outcomes,
    };
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

  async #accept(
    id: string,
    digest: string,
    request: VmRequest,
    caller: Caller,
  ): Promise<Result> {
    const at = isoNow(this.#parts.context);
    const { gathering } = this.#parts.runner;
    let drafts = this.#draft(id, request, caller, at);
    // While nodes may still come back to a new controller, no VM is without
    // room. From the last look to the write that follows nothing is waited for.
    while (!gathering.isOver && this.#isShort(drafts, at)) {
      await gathering.news();
      drafts = this.#draft(id, request, caller, at);
    }
    const record: RequestRecord = {
      v: 1,
      id,
      user: caller.user,
      verb: request.verb,
      digest,
      count: drafts.length,
      createdAt: at,
    };
    const moves = await this.#claimAndWrite(record, drafts);
    for (const { move, claimed } of moves) {
      if (claimed) this.#parts.runner.resume(move);
      else if (!isFinal(move.operation.state)) {
        this.#parts.runner.enqueue(move.operation);
      }
    }
    return this.result(id, caller);
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
  #draft(
    id: string,
    request: VmRequest,
    caller: Caller,
    at: string,
  ): Draft[] {
    const targets = targetsOf(
      request,
      new NameResolver(this.#parts.records, caller),
      caller,
    );
    const { newId } = this.#parts.context;
    // Looked up once, and only by a request that makes VMs.
    let known: SpecDefaults | undefined;
    const defaults = () => known ??= this.#parts.defaults();
    return targets.map((target, index) =>
      draftOf(target, {
        request: id,
        index,
        body: request,
        user: caller.user,
        at,
        newId,
        defaults,
        isDead: (node) =>
          this.#parts.records.nodes.latest(node ?? "")?.state === "dead",
      })
    );
  }

  /** Takes the lanes, and gives them back when the request does not become durable. */
  async #claimAndWrite(
    record: RequestRecord,
    drafts: readonly Draft[],
  ): Promise<FirstMove[]> {
    const { records, runner } = this.#parts;
    try {
      const claimed = drafts.map((draft) => this.#claim(draft));
      const moves = firstMoves(claimed, {
        ...this.#parts,
        at: record.createdAt,
      });
      await records.write([
        { kind: "request", key: record.id, value: record },
        ...moves.flatMap((
          { writes, move },
        ) => [...writes, operationWrite(move.operation)]),
      ]);
      return moves;
    } catch (error) {
      for (const { operation } of drafts) {
        runner.unclaim(operation.uid, operation.id);
      }
      throw error;
    }
  }

  #claim(draft: Draft): Draft {
    const { runner, context } = this.#parts;
    const { operation, vm } = draft;
    const holder = runner.claim(vm.uid, operation);
    if (holder === null) return { ...draft, claimed: true };
    const at = isoNow(context);
    const refused = refusedTurn(draft, holder, runner.waiting(vm.uid));
    if (refused !== null) {
      return {
        ...draft,
        vmChanged: false,
        operation: ended(operation, at, refused).operation,
      };
    }
    const text = `waits for ${holder.verb} ${holder.id}`;
    return {
      ...draft,
      operation: {
        ...operation,
        waitsFor: holder.id,
        trail: [...operation.trail, { at, source: "controller", text }],
      },
    };
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

/** Why an operation may not wait behind `holder`, or null when it may. */
function refusedTurn(
  { operation, vm }: Draft,
  holder: Named,
  waiting: number,
): UsherError | null {
  const cutsPower = takesOver(operation.verb);
  if (waiting >= (cutsPower ? 2 * MAX_WAITING : MAX_WAITING)) {
    return new UsherError(
      "busy",
      `${waiting} operations wait for "${holder.verb}" ${holder.id}, which holds ${vm.name}`,
      {
        holder: holder.id,
        hint: "wait until some have ended, or cancel them",
        subject: vm.name,
      },
    );
  }
  if (operation.options.queue || cutsPower) return null;
  return new UsherError(
    "busy",
    `"${holder.verb}" ${holder.id} holds ${vm.name}`,
    {
      holder: holder.id,
      hint: "leave out --no-queue to wait for it",
      subject: vm.name,
    },
  );
}
