/**
 * Taking a step at a node: asking, waiting for one that is silent, and asking
 * again after a cut.
 *
 * @module
 */
import type { StepName } from "../../core/step.ts";
import { isUsherError, UsherError } from "../../error/mod.ts";
import type { DomainFrame } from "../../schema/frame.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import { type Clock, Deadline } from "../../sys/clock.ts";
import type { NodeLinks } from "../node_links.ts";
import type { Records } from "../records.ts";
import type { Lane } from "./lane.ts";
import { actOn, deadlineOf } from "./steps.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";

/** An act that a cut interrupted is asked so many times in all. */
const MAX_ATTEMPTS = 5;

/** What a step is taken with. */
export interface Taking {
  readonly clock: Clock;
  readonly records: Records;
  readonly links: NodeLinks;
  readonly lane: Lane;
  readonly operation: Operation;
  /** The VM as it is when the node is asked. */
  vm(): Vm;
}

/**
 * Takes `step` at its VM's node; answers with the domain as the node then
 * reports it. Notes in the lane whether the outcome is known. Rejects with
 * the signal's reason when it aborts, and with `timed_out`.
 */
export async function takeAtNode(
  step: StepName,
  taking: Taking,
  signal: AbortSignal,
): Promise<DomainFrame | null> {
  const { operation, lane, links } = taking;
  const limitMs = deadlineOf(step, operation);
  using deadline = new Deadline(
    taking.clock,
    limitMs,
    `answer to "${step}"`,
    signal,
  );
  for (let attempt = 1;; attempt++) {
    const vm = taking.vm();
    try {
      await untilReachable(taking, vm, deadline.signal);
      const link = links.link(vm.node ?? "");
      const domain = await actOn(
        link,
        step,
        operation,
        taking.vm(),
        deadline.signal,
      );
      lane.uncertain = false;
      return domain;
    } catch (error) {
      if (!isUsherError(error, "unavailable")) {
        // Whatever was asked of a dead node, nothing of it runs.
        lane.uncertain = !isDead(taking.records, vm) &&
          (isUnknown(error) || deadline.signal.aborted);
      }
      if (signal.aborted) throw signal.reason;
      if (deadline.signal.aborted) throw timedOut(step, vm, limitMs);
      const isFinal = !isCut(error) || attempt >= MAX_ATTEMPTS ||
        isLost(taking.records, vm);
      if (isFinal) throw error;
    }
  }
}

/** Waits for a node that is silent; throws `unavailable` once it is lost. */
async function untilReachable(
  { records, links }: Taking,
  vm: Vm,
  signal: AbortSignal,
): Promise<void> {
  const link = links.link(vm.node ?? "");
  while (!link.ready) {
    if (isLost(records, vm)) {
      throw new UsherError(
        "unavailable",
        `Node ${vm.node} of VM "${vm.name}" is out of reach`,
        { subject: vm.name },
      );
    }
    const changed = new AbortController();
    const stop = records.subscribe((changes) => {
      const isIts = changes.some(({ kind, id }) =>
        kind === "node" && id === vm.node
      );
      if (isIts) changed.abort();
    });
    using either = new JoinedSignal(signal, changed.signal);
    await link.untilReady(either.signal).catch(() => {}).finally(stop);
    signal.throwIfAborted();
  }
}

function isLost(records: Records, vm: Vm): boolean {
  const state = records.nodes.latest(vm.node ?? "")?.state;
  return state === "lost" || state === "dead";
}

function isDead(records: Records, vm: Vm): boolean {
  return records.nodes.latest(vm.node ?? "")?.state === "dead";
}

function isCut(error: unknown): boolean {
  return isUsherError(error, "interrupted") ||
    isUsherError(error, "unavailable");
}

function isUnknown(error: unknown): boolean {
  return isUsherError(error, "interrupted") ||
    isUsherError(error, "timed_out") || !isUsherError(error);
}

function timedOut(step: StepName, vm: Vm, ms: number): UsherError {
  return new UsherError(
    "timed_out",
    `Step "${step}" of VM "${vm.name}" took longer than ${
      ms / 1000
    } s on node ${vm.node}`,
    {
      hint:
        `look with "usher vm show ${vm.name}"; "usher vm poweroff" always works`,
      subject: vm.name,
    },
  );
}
