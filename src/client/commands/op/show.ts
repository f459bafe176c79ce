/**
 * `usher op show`.
 *
 * @module
 */
import type {
  NodeOperation,
  NodeOperationView,
} from "../../../schema/node_operation.ts";
import type { Operation, OperationView } from "../../../schema/operation.ts";
import type { Api } from "../../api.ts";
import { type Context, defineCommand, type Words } from "../../command.ts";
import { isFailure } from "../../failure.ts";
import { type Fact, renderFacts } from "../../render/describe.ts";
import { age, took } from "../../render/format.ts";
import { FORMAT_FLAG, printShown } from "../../render/output.ts";
import type { Format } from "../../render/format_name.ts";
import { outcomeText, progressText } from "../../render/progress.ts";
import { tookMs } from "./list.ts";

/** Ids of operations. */
export const OPERATION_IDS: Words = {
  usage: "IDS...",
  min: 1,
  max: Infinity,
  completes: "operation",
};

export const show = defineCommand({
  about: "Show operations with their steps, and why they exist.",
  words: OPERATION_IDS,
  flags: FORMAT_FLAG,
  examples: [["usher op show 01j9", "by the beginning of its id"]],
  async run(context, { words, flags }) {
    const api = await context.api();
    const operations = await Promise.all(
      words.map((id) => readOperation(api, id)),
    );
    await printOperations(context, operations, flags.output);
    return 0;
  },
});

/** The operation of this id, on a VM or on a node. Throws `not_found`. */
export async function readOperation(
  api: Api,
  id: string,
): Promise<OperationView | NodeOperationView> {
  try {
    return await api.call("operation", { params: { id } });
  } catch (error) {
    if (!isFailure(error, "not_found")) throw error;
    return await api.call("nodeOperation", { params: { id } }).catch(() => {
      throw error;
    });
  }
}

/** Prints the operations that were named by their ids. */
export async function printOperations(
  context: Context,
  operations: readonly (Operation | NodeOperation | NodeOperationView)[],
  format: Format | undefined,
): Promise<void> {
  await printShown(context, operations, format, {
    single: operations.length === 1,
    name: ({ id }) => id,
    describe: (operation) =>
      "vm" in operation
        ? describeOperation(operation, context.io.now())
        : describeDrain(operation, context.io.now()),
  });
}

function describeDrain(
  drain: NodeOperation & Partial<NodeOperationView>,
  now: number,
): string {
  const { problem, trail, outcomes = [], options } = drain;
  const facts: Fact[] = [
    ["id", drain.id],
    ["verb", drain.verb],
    ["node", drain.node],
    ["state", drain.state],
    ["moved", `${drain.moved} of ${drain.total}`],
    ["failed", drain.failed === 0 ? null : drain.failed],
    ["at a time", options.parallel],
    ["to", options.to ?? null],
    [
      "cancellable",
      drain.endedAt === null ? "yes: VMs that can stay do" : null,
    ],
    ["asked by", `${drain.user}, ${age(drain.createdAt, now)} ago`],
    ["took", took(tookMs(drain, now))],
    ["problem", problem?.detail ?? null],
    ["try", problem?.hint ?? null],
    ...outcomes.map((outcome): Fact => [outcome.vm, outcomeText(outcome)]),
    ...trail.map((
      { at, source, text },
    ): Fact => [at.slice(11, 23), `${source}: ${text}`]),
  ];
  return renderFacts(facts);
}

/** Said of one that has not ended; an older controller does not tell. */
function cancellableText(
  { endedAt, cancellable }: Operation & Partial<OperationView>,
): string | null {
  if (endedAt !== null || cancellable === undefined) return null;
  const { can, why } = cancellable;
  return `${can ? "yes: " : "no, because "}${why}`;
}

function describeOperation(operation: Operation, now: number): string {
  const { step, begun, trail, problem, progress } = operation;
  const facts: Fact[] = [
    ["id", operation.id],
    ["request", operation.request],
    ["part of", operation.parent],
    ["verb", operation.verb],
    ["vm", operation.vm],
    ["state", operation.state],
    ["step", step],
    ["steps begun", begun.join(", ")],
    ["node", operation.node],
    ["cancellable", cancellableText(operation)],
    ["from", operation.from],
    ["to", operation.to],
    ["tried before", operation.tried?.join(", ") ?? null],
    ["progress", progress === undefined ? null : progressText(progress)],
    ["waits for", operation.waitsFor],
    ["asked by", `${operation.user}, ${age(operation.createdAt, now)} ago`],
    ["took", took(tookMs(operation, now))],
    ["problem", problem?.detail ?? null],
    ["try", problem?.hint ?? null],
    ...trail.map((
      { at, source, text },
    ): Fact => [at.slice(11, 23), `${source}: ${text}`]),
  ];
  return renderFacts(facts);
}
