/**
 * The steps of a migration, at both of its nodes.
 *
 * What the ends tell each other is kept in memory alone: after a restart both
 * are asked again, and answer the same, since their acts carry the same ids.
 * Until the decision for the target is durable any failure ends the attempt;
 * from then on there is only forward.
 *
 * @module
 */
import { transferOf } from "../../core/migration.ts";
import { nodeOf, type StepName } from "../../core/step.ts";
import { messageOf, UsherError } from "../../error/mod.ts";
import type { ActVerb, DomainFrame, Transfer } from "../../schema/frame.ts";
import type {
  Operation,
  PeerMessage,
  Progress,
} from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { NodeAnswer } from "../nodes/node_links.ts";
import type { Lane } from "./lane.ts";
import type { RunParts } from "./run_parts.ts";
import { driverOf } from "./steps.ts";
import { isCut, isLost, takeAtNode } from "./taking.ts";

/** Watchers are told of a step's progress so often, and when its phase changes. */
const TELL_EVERY_MS = 500;

/** A target that says no to the switch is asked again so often, and so much later. */
const SWITCH_ATTEMPTS = 5;
const SWITCH_PAUSE_MS = 1000;

/** What a migration's steps are taken with. */
export interface MovingParts {
  readonly run: RunParts;
  readonly lane: Lane;
  vm(): Vm;
  operation(): Operation;
  /** Puts a line into the operation's trail, durably. */
  say(text: string): Promise<void>;
}

/** One migration's steps, in one controller's life. */
export class Moving {
  readonly #parts: MovingParts;
  /** What was heard, and of which transfer. */
  #heard: Pick<Transfer, "id" | "offer" | "ticket"> = {
    id: "",
    offer: null,
    ticket: null,
  };
  #toldAt = -Infinity;
  #toldPhase = "";

  constructor(parts: MovingParts) {
    this.#parts = parts;
  }

  /** Takes `step`; answers with the domain as the node then reports it. */
  async take(
    step: StepName,
    signal: AbortSignal,
  ): Promise<DomainFrame | null> {
    const isRecordOnly = this.#parts.vm().status.state === "absent";
    if (step === "switch") {
      return isRecordOnly ? null : await this.#switch(signal);
    }
    if (step === "release") return await this.#release(signal);
    // By the record there is nothing to offer; what is there is looked for.
    const verb = isRecordOnly && step === "offer" ? "inspect" : undefined;
    if (verb !== undefined) {
      return (await this.#ask(step, signal, { verb })).domain;
    }
    await this.#askBefore(step, signal);
    return (await this.#ask(step, signal)).domain;
  }

  /** Asks again what an earlier controller was told, and this one was not. */
  async #askBefore(step: StepName, signal: AbortSignal): Promise<void> {
    const { offer, ticket } = this.#transfer("");
    const isFirst = step === "offer";
    if (!isFirst && offer === null) await this.#ask("offer", signal);
    if (step === "send" && ticket === null) await this.#ask("receive", signal);
  }

  async #ask(
    step: StepName,
    signal: AbortSignal,
    { attempt = 1, verb }: { attempt?: number; verb?: ActVerb } = {},
  ): Promise<NodeAnswer> {
    const { run, lane, vm } = this.#parts;
    const { records, links } = run;
    const operation = this.#parts.operation();
    const { from, to } = operation;
    const node = nodeOf(step, operation, vm());
    const peer = node === from ? to : from;
    const answer = await takeAtNode(step, {
      clock: run.context.clock,
      records,
      links,
      lane,
      operation,
      vm,
      attempt,
      ...(verb === undefined ? {} : { verb }),
      transfer: () => this.#transfer(peer ?? ""),
      onProgress: (progress) => this.#tell(operation.id, progress),
    }, signal).catch((error) => {
      const isGone = isCut(error) && isLost(records, node ?? "");
      // What became of it does not matter: it is undone, or asked again.
      throw isGone ? outOfReach(vm(), node ?? "") : error;
    });
    const { id, offer, ticket } = this.#transfer("");
    const message: PeerMessage = answer.message ?? {};
    if (step === "offer") this.#heard = { id, offer: message, ticket };
    if (step === "receive") this.#heard = { id, offer, ticket: message };
    return answer;
  }

  #transfer(peer: string): Transfer {
    const transfer = transferOf(this.#parts.operation(), peer);
    return this.#heard.id === transfer.id
      ? { ...transfer, ...this.#heard }
      : transfer;
  }

  #tell(id: string, progress: Progress): void {
    const { context, records } = this.#parts.run;
    const now = context.clock.monotonic();
    const isSoon = now - this.#toldAt < TELL_EVERY_MS;
    if (isSoon && progress.phase === this.#toldPhase) return;
    this.#toldAt = now;
    this.#toldPhase = progress.phase;
    records.announce(id, progress);
  }

  /**
   * The target takes over, and is asked until it has. One that is lost is not
   * waited for: it is told when it is back (`leftovers.ts`).
   */
  async #switch(signal: AbortSignal): Promise<DomainFrame | null> {
    const { run, operation, say } = this.#parts;
    const to = operation().to ?? "";
    let refusals = 0;
    for (let attempt = 1;; attempt++) {
      try {
        return (await this.#ask("switch", signal, { attempt })).domain;
      } catch (error) {
        signal.throwIfAborted();
        if (run.stopped.aborted) throw error;
        if (isLost(run.records, to)) throw this.#switchedAway(to);
        if (!isCut(error) && ++refusals >= SWITCH_ATTEMPTS) throw error;
        if (attempt === 1) {
          await say(
            `${to} has to take over, and is asked until it does: ${
              messageOf(error)
            }`,
          );
        }
      }
      await run.context.clock.sleep(SWITCH_PAUSE_MS, signal);
    }
  }

  #switchedAway(to: string): UsherError {
    const { name } = this.#parts.vm();
    return new UsherError(
      "unavailable",
      `VM "${name}" belongs to node ${to} now, which is out of reach`,
      {
        hint: `it goes on there by itself once ${to} is back`,
        subject: name,
      },
    );
  }

  /** The source's copy goes: now, or when the source is back. */
  async #release(signal: AbortSignal): Promise<DomainFrame | null> {
    const { run, vm, operation, say } = this.#parts;
    try {
      return (await this.#ask("release", signal)).domain;
    } catch (error) {
      signal.throwIfAborted();
      if (run.stopped.aborted) throw error;
      const { from } = operation();
      if (from === null) throw new UsherError("internal", "No source");
      run.leftovers.suspect(from, vm().uid, driverOf(vm()));
      await say(
        `the copy on ${from} is cleared away later: ${messageOf(error)}`,
      );
      return null;
    }
  }
}

function outOfReach({ name }: Vm, node: string): UsherError {
  return new UsherError(
    "unavailable",
    `Cannot migrate VM "${name}": node ${node} is out of reach`,
    { hint: `look at "usher node show ${node}"`, subject: name },
  );
}
