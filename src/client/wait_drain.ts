/**
 * Waiting for a drain: a line per VM that leaves, over as many connections as
 * it takes, then what is left.
 *
 * @module
 */
import type {
  NodeOperation,
  NodeOperationView,
} from "../schema/node_operation.ts";
import type { Operation, Outcome } from "../schema/operation.ts";
import { sleep } from "../sys/sleep.ts";
import type { Api } from "./api.ts";
import type { Context, FlagValues } from "./command.ts";
import { EXIT, exitOf } from "./exit.ts";
import { backoffMs } from "./follow.ts";
import { type Io, wantsColor } from "./io.ts";
import { isCut } from "./live_stream.ts";
import { barText, paceText } from "./render/bar.ts";
import { printOne } from "./render/output.ts";
import { renderError, shownProblem } from "./render/problem.ts";
import { type ProgressView, progressView } from "./render/progress.ts";
import { startWait, type WAIT_FLAGS } from "./wait.ts";
import { MAX_ATTEMPTS, watch } from "./watch.ts";

/** Waits until the drain `id` has ended; answers the exit code. */
export async function waitForDrain(
  context: Context,
  api: Api,
  id: string,
  flags: FlagValues<typeof WAIT_FLAGS>,
): Promise<number> {
  const view = progressView(context.io);
  using wait = startWait(context);
  wait.limit(flags.timeout);
  let ended: NodeOperationView;
  try {
    ended = await untilEnded(api, id, new Lines(view, context.io), wait.signal);
  } catch (error) {
    view.end();
    if (!wait.signal.aborted) throw error;
    context.io.stderr.write(
      `${wait.why()}: the drain goes on\ncome back with: usher op attach ${id}\n`,
    );
    return EXIT.stillRunning;
  }
  view.end();
  return await tell(context, ended, flags);
}

async function tell(
  context: Context,
  drain: NodeOperationView,
  { output }: FlagValues<typeof WAIT_FLAGS>,
): Promise<number> {
  const { stderr } = context.io;
  const { problem, node, moved } = drain;
  if (problem !== null) {
    const color = wantsColor(context.io, stderr);
    stderr.write(renderError(shownProblem(problem), color));
  } else stderr.write(`${node} is empty: ${moved} VM(s) moved\n`);
  if (output !== undefined) {
    await printOne(context, drain, output, {
      name: drain.id,
      describe: () => "",
    });
  }
  return exitOf([drain]);
}

/** Shows what the VMs do until the drain has ended. Throws when `signal` aborts. */
async function untilEnded(
  api: Api,
  id: string,
  lines: Lines,
  signal: AbortSignal,
): Promise<NodeOperationView> {
  const kinds = "operation,node-operation";
  for await (const change of watch(api, { kinds }, signal)) {
    if (change.type === "synced") {
      // What ended before, or while nobody listened, is in no snapshot.
      const now = await asked(api, id, signal);
      for (const outcome of now.outcomes) {
        lines.show({ ...outcome, vmState: null });
      }
      if (now.endedAt !== null) return now;
    }
    if (change.type !== "put" && change.type !== "snapshot") continue;
    if (change.kind === "operation") {
      const operation = change.value as Operation;
      if (operation.parent === id) lines.show(outcomeOf(operation));
    } else if (change.kind === "node-operation") {
      const drain = change.value as NodeOperation;
      if (drain.id !== id) continue;
      lines.count(drain);
      if (drain.endedAt === null) continue;
      return await asked(api, id, signal);
    }
  }
  throw signal.reason;
}

/** The drain as it is now. A controller that is just going is asked until it is back, as the stream is. */
async function asked(
  api: Api,
  id: string,
  signal: AbortSignal,
): Promise<NodeOperationView> {
  for (let attempt = 0;; attempt++) {
    try {
      return await api.call("nodeOperation", { params: { id }, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!isCut(error) || attempt >= MAX_ATTEMPTS) throw error;
    }
    await sleep(backoffMs(attempt, Math.random()), signal);
    api.reconnect();
  }
}

/** A line per VM, in the order in which they were first seen. */
class Lines {
  readonly #view: ProgressView;
  readonly #now: () => number;
  readonly #began: number;
  readonly #places = new Map<string, number>();
  #told = "";

  constructor(view: ProgressView, io: Pick<Io, "now">) {
    this.#view = view;
    this.#now = () => io.now();
    this.#began = io.now();
  }

  show(outcome: Outcome): void {
    const place = this.#places.get(outcome.vm) ?? this.#places.size;
    this.#places.set(outcome.vm, place);
    this.#view.show(place, outcome);
  }

  /** A bar, and when it should be over; where lines stay they need neither. */
  #pace(moved: number, total: number): string {
    if (!this.#view.isRedrawn || total === 0) return "";
    const pace = paceText(moved, total, this.#now() - this.#began);
    return `${pace} ${barText(moved / total)}`;
  }

  count({ moved, failed, total }: NodeOperation): void {
    const failures = failed === 0 ? "" : `, ${failed} failed`;
    const told = `${moved} of ${total} moved${failures}`;
    if (told !== this.#told) this.#view.note(told + this.#pace(moved, total));
    this.#told = told;
  }
}

/** What the stream says of an operation, as the result of a request would. */
function outcomeOf(operation: Operation): Outcome {
  const { id, vm, uid, state, changed, step, node, to, problem } = operation;
  return {
    vm,
    uid,
    operation: id,
    state,
    changed,
    step,
    node: state === "succeeded" ? to ?? node : node,
    ...(to === null ? {} : { to }),
    ...(operation.progress === undefined
      ? {}
      : { progress: operation.progress }),
    vmState: null,
    problem,
  };
}
