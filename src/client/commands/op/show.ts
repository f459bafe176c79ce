/**
 * `usher op show`.
 *
 * @module
 */
import type { Operation, OperationView } from "../../../schema/operation.ts";
import { type Context, defineCommand, type Words } from "../../command.ts";
import { type Fact, renderFacts } from "../../render/describe.ts";
import { age, took } from "../../render/format.ts";
import { type Format, FORMAT_FLAG, printShown } from "../../render/output.ts";
import { progressText } from "../../render/progress.ts";
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
      words.map((id) => api.call("operation", { params: { id } })),
    );
    await printOperations(context, operations, flags.output);
    return 0;
  },
});

/** Prints the operations that were named by their ids. */
export async function printOperations(
  context: Context,
  operations: readonly Operation[],
  format: Format | undefined,
): Promise<void> {
  await printShown(context, operations, format, {
    single: operations.length === 1,
    name: ({ id }) => id,
    describe: (operation) => describeOperation(operation, context.io.now()),
  });
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
