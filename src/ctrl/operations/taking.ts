/**
 * Taking a step at a node: asking, waiting for one that is silent, and asking
 * again after a cut.
 *
 * @module
 */
import { nodeOf, type StepName } from "../../core/step.ts";
import { isUsherError, messageOf, UsherError } from "../../error/mod.ts";
import type { ActVerb, Transfer } from "../../schema/frame.ts";
import type { Operation, Progress } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import { type Clock, Deadline } from "../../sys/clock.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";
import type { NodeAnswer, NodeLinks } from "../nodes/node_links.ts";
import type { Records } from "../records/records.ts";
import type { Lane } from "./lane.ts";
import { actOn, deadlineOf } from "./steps.ts";

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
  /** What the ends of a migration are told, as it is when the node is asked. */
  transfer?(): Transfer;
  readonly attempt?: number;
  /** What the node is asked in place of the step's own verb. */
  readonly verb?: ActVerb;
  onProgress?(progress: Progress): void;
}

/**
 * Takes `step` at its node; answers with what the node says then. Notes in the
 * lane whether it is known how the VM is. Rejects with the signal's reason
 * when it aborts, and with `timed_out`.
 */
export async function takeAtNode(
  step: StepName,
  taking: Taking,
  signal: AbortSignal,
): Promise<NodeAnswer> {
  const { operation, lane, links } = taking;
  const limitMs = deadlineOf(step, operation);
  using deadline = new Deadline(
    taking.clock,
    limitMs,
    `answer to "${step}"`,
    signal,
  );
  let why = "";
  for (let attempt = 1;; attempt++) {
    const vm = taking.vm();
    const node = nodeOf(step, operation, vm) ?? "";
    // What becomes of a copy on another node leaves it as certain as it was.
    const isOwn = node === vm.node;
    try {
      const answer = await askOnce(step, taking, node, deadline);
      if (isOwn) lane.uncertain = false;
      return answer;
    } catch (error) {
      if (isOwn && !isUsherError(error, "unavailable")) {
        // Whatever was asked of a dead node, nothing of it runs.
        lane.uncertain = !isDead(taking.records, node) &&
          (isUnknown(error) || deadline.signal.aborted);
      }
      if (signal.aborted) throw signal.reason;
      if (deadline.signal.aborted) {
        const isThere = links.link(node).ready;
        throw timedOut(step, vm, node, limitMs, isThere ? why : null);
      }
      why = messageOf(error);
      const isFinal = !isCut(error) || attempt >= MAX_ATTEMPTS ||
        isLost(taking.records, node);
      if (isFinal) throw error;
    }
  }
}

async function askOnce(
  step: StepName,
  taking: Taking,
  node: string,
  deadline: Deadline,
): Promise<NodeAnswer> {
  const { links, records, operation } = taking;
  await untilReachable({ links, records }, node, taking.vm(), deadline.signal);
  let last = "";
  const onProgress = (progress: Progress) => {
    // What says the same again shows no life.
    const now = `${progress.phase} ${progress.doneBytes}`;
    if (now !== last) deadline.renew();
    last = now;
    taking.onProgress?.(progress);
  };
  return await actOn(
    links.link(node),
    step,
    operation,
    taking.vm(),
    deadline.signal,
    {
      transfer: taking.transfer?.(),
      attempt: taking.attempt,
      verb: taking.verb,
      onProgress,
    },
  );
}

/** Waits for a node that is silent; throws `unavailable` once it is lost. */
export async function untilReachable(
  { records, links }: Pick<Taking, "records" | "links">,
  node: string,
  vm: Vm,
  signal: AbortSignal,
): Promise<void> {
  const link = links.link(node);
  while (!link.ready) {
    if (isLost(records, node)) {
      throw new UsherError(
        "unavailable",
        node === vm.node
          ? `Node ${node} of VM "${vm.name}" is out of reach`
          : `Node ${node}, where VM "${vm.name}" has a copy, is out of reach`,
        { subject: vm.name },
      );
    }
    const changed = new AbortController();
    const stop = records.subscribe((changes) => {
      const isIts = changes.some(({ kind, id }) =>
        kind === "node" && id === node
      );
      if (isIts) changed.abort();
    });
    using either = new JoinedSignal(signal, changed.signal);
    await link.untilReady(either.signal).catch(() => {}).finally(stop);
    signal.throwIfAborted();
  }
}

/** Whether nobody waits for a node any more. */
export function isLost(records: Records, node: string): boolean {
  const state = records.nodes.latest(node)?.state;
  return state === "lost" || state === "dead";
}

function isDead(records: Records, node: string): boolean {
  return records.nodes.latest(node)?.state === "dead";
}

/** Whether an error says that the node could not be heard, and no more. */
export function isCut(error: unknown): boolean {
  return isUsherError(error, "interrupted") ||
    isUsherError(error, "unavailable");
}

function isUnknown(error: unknown): boolean {
  return isUsherError(error, "interrupted") ||
    isUsherError(error, "timed_out") || !isUsherError(error);
}

function timedOut(
  step: StepName,
  vm: Vm,
  node: string,
  ms: number,
  /** What the node said last; null when it cannot be asked. */
  why: string | null,
): UsherError {
  const what = `Step "${step}" of VM "${vm.name}"`;
  const subject = vm.name;
  if (why === null) {
    return new UsherError(
      "timed_out",
      `${what} had no answer within ${
        ms / 1000
      } s: node ${node} is out of reach`,
      { hint: `look at "usher node show ${node}"`, subject },
    );
  }
  const slow = `${what} took longer than ${ms / 1000} s on node ${node}`;
  if (why !== "") {
    return new UsherError("timed_out", `${slow}; it said: ${why}`, {
      hint:
        `mend what it complains of, and look with "usher vm show ${vm.name}"`,
      subject,
    });
  }
  const hint =
    `look with "usher vm show ${vm.name}"; "usher vm poweroff" always works`;
  return new UsherError("timed_out", slow, { hint, subject });
}
