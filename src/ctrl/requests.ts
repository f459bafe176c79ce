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
import {
  type Operation,
  type Outcome,
  type Result,
  type Verb,
} from "../schema/operation.ts";
import type { VmRequest } from "../schema/request.ts";
import type { Vm } from "../schema/vm.ts";
import type { Caller } from "./auth/accounts.ts";
import { hashToken } from "./auth/accounts.ts";
import { type CtrlContext, isoNow } from "./context.ts";
import { type Draft, type FirstMove, firstMoves } from "./first_moves.ts";
import { maySeeAll, NameResolver } from "./names.ts";
import { takesOver } from "./operations/lane.ts";
import { operationWrite } from "./operations/run.ts";
import type { Runner } from "./operations/runner.ts";
import { REGISTERED } from "./operations/undo.ts";
import type { Records, RequestRecord } from "./records.ts";
import { refuseTooLarge, type SpecDefaults, specFor } from "./specs.ts";
import { type Target, targetsOf } from "./targets.ts";

/** What the owner wants of a VM's power, by the verb; others leave it be. */
const WANTED_POWER: Partial<
  Record<VmRequest["verb"], Vm["spec"]["power"]>
> = {
  start: "on",
  cycle: "on",
  reboot: "on",
  shutdown: "off",
  poweroff: "off",
};

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
    const digest = await hashToken(JSON.stringify([caller.user, content]));
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
    const targets = targetsOf(
      request,
      new NameResolver(this.#parts.records, caller),
      caller,
    );
    const drafts = targets.map((target, index) =>
      this.#draft(id, index, request, target, caller, at)
    );
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

  /** The operation, and the VM as it should be, of one target. */
  #draft(
    request: string,
    index: number,
    body: VmRequest,
    target: Target,
    caller: Caller,
    at: string,
  ): Draft {
    const { verb } = body;
    const vm = target.vm === undefined
      ? this.#newVm(target.name, body, at)
      : freedToMove(target.vm, "on" in body ? body.on : undefined);
    const wanted = WANTED_POWER[verb] ?? vm.spec.power;
    const intent = wanted === vm.spec.power ? vm : {
      ...vm,
      generation: vm.generation + 1,
      spec: { ...vm.spec, power: wanted } as Vm["spec"],
    };
    const argued = Object.keys(body.args).length === 0
      ? intent
      : { ...intent, args: { ...intent.args, ...body.args } };
    refuseTooLarge(argued);
    const operation: Operation = {
      v: 1,
      id: this.#parts.context.newId(),
      request,
      index,
      verb,
      uid: vm.uid,
      vm: vm.name,
      user: caller.user,
      state: "pending",
      step: null,
      begun: target.vm === undefined ? [REGISTERED] : [],
      node: vm.node,
      waitsFor: null,
      options: {
        queue: body.queue,
        ...("graceMs" in body ? { graceMs: body.graceMs } : {}),
        ...("on" in body && body.on !== undefined ? { on: body.on } : {}),
      },
      args: body.args,
      changed: target.vm === undefined,
      problem: null,
      trail: [{ at, source: `user ${caller.user}`, text: `asked for ${verb}` }],
      createdAt: at,
      startedAt: null,
      endedAt: null,
      revision: 0,
    };
    return {
      target,
      vm: argued,
      operation,
      vmChanged: argued !== vm || target.vm === undefined,
      claimed: false,
    };
  }

  #newVm(name: string, body: VmRequest, at: string): Vm {
    const input = "spec" in body ? body.spec : {};
    return {
      v: 1,
      uid: this.#parts.context.newId(),
      name,
      generation: 1,
      spec: specFor(input, this.#parts.defaults(), name),
      status: {
        state: "absent",
        reason: "",
        incarnation: null,
        since: at,
        observedGeneration: 0,
      },
      node: null,
      args: {},
      createdAt: at,
      revision: 0,
      found: false,
    };
  }

  #claim(draft: Draft): Draft {
    const holder = this.#parts.runner.claim(draft.vm.uid, draft.operation);
    if (holder === null) return { ...draft, claimed: true };
    const at = isoNow(this.#parts.context);
    if (!draft.operation.options.queue && !takesOver(draft.operation.verb)) {
      return {
        ...draft,
        vmChanged: false,
        operation: ended(draft.operation, at, busy(draft, holder)).operation,
      };
    }
    const text = `waits for ${holder.verb} ${holder.id}`;
    return {
      ...draft,
      operation: {
        ...draft.operation,
        waitsFor: holder.id,
        trail: [...draft.operation.trail, { at, source: "controller", text }],
      },
    };
  }

  #outcome(id: string): Outcome | null {
    const operation = this.#parts.records.operations.get(id);
    return operation === undefined
      ? null
      : outcomeOf(operation, this.#parts.records.vms.get(operation.uid));
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
    vmState: vm?.status.state ?? null,
    problem: operation.problem,
  };
}

/** A VM with no domain may be placed anew; one with a domain stays where that lies. */
function freedToMove(vm: Vm, on: string | undefined): Vm {
  if (on === undefined || vm.node === null || vm.node === on) return vm;
  if (vm.status.state === "absent") return { ...vm, node: null };
  throw new UsherError(
    "wrong_state",
    `Cannot start VM "${vm.name}" on node ${on}: it lies on node ${vm.node}`,
    {
      hint: "leave out --on, or destroy it and start it anew there",
      subject: vm.name,
    },
  );
}

function busy(
  draft: Draft,
  holder: { readonly id: string; readonly verb: string },
): UsherError {
  return new UsherError(
    "busy",
    `"${holder.verb}" ${holder.id} holds ${draft.vm.name}`,
    {
      holder: holder.id,
      hint: "leave out --no-queue to wait for it",
      subject: draft.vm.name,
    },
  );
}
