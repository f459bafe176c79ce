/**
 * `usher op cancel`.
 *
 * @module
 */
import type { NodeOperation } from "../../../schema/node_operation.ts";
import type { Operation } from "../../../schema/operation.ts";
import type { Problem } from "../../../schema/problem.ts";
import type { Api } from "../../api.ts";
import { defineCommand, text } from "../../command.ts";
import { EXIT, EXIT_OF } from "../../exit.ts";
import { isFailure } from "../../failure.ts";
import { wantsColor } from "../../io.ts";
import { FORMAT_FLAG } from "../../render/output.ts";
import { renderError, shownProblem } from "../../render/problem.ts";
import { UsageError } from "../../usage.ts";
import { OPERATION_IDS, printOperations, readOperation } from "./show.ts";

export const cancel = defineCommand({
  about:
    "Ask operations to stop at their next step and to undo what they did. One that is past a point of no return says so, and goes on. usher op show says beforehand whether one can be cancelled; usher op attach shows how it ends.",
  words: { ...OPERATION_IDS, usage: "[IDS...]", min: 0 },
  flags: {
    request: text("ID", "all operations of this request, waiting ones first", {
      completes: "operation",
    }),
    ...FORMAT_FLAG,
  },
  examples: [
    ["usher op cancel 01j9", "by the beginning of its id"],
    ["usher op cancel --request 01j9z6k3v0", "all that a command asked for"],
  ],
  async run(context, { words, flags }) {
    const { request, output } = flags;
    if ((words.length === 0) === (request === undefined)) {
      throw new UsageError(
        "Say which operations: their ids, or --request ID",
        "usher op list shows them",
      );
    }
    const api = await context.api();
    const asked = request === undefined
      ? await cancelEach(api, words)
      : await cancelAll(api, request);
    if (asked === WAS_WAITING) {
      context.io.stderr.write("given up before anything was done\n");
      return EXIT.done;
    }
    const { stderr } = context.io;
    const color = wantsColor(context.io, stderr);
    for (const { operation, problem } of asked) {
      if (problem !== null) {
        stderr.write(renderError(shownProblem(problem), color));
      } else if (operation !== null) {
        const { id, verb, state } = operation;
        const what = "vm" in operation ? operation.vm : operation.node;
        stderr.write(`${id}: ${verb} of ${what} is ${state}\n`);
      }
    }
    if (asked.length === 0) stderr.write("all of it has ended already\n");
    if (output !== undefined) {
      const operations = asked.flatMap(({ operation }) => operation ?? []);
      await printOperations(context, operations, output);
    }
    return exitOf(asked);
  },
});

interface Asked {
  readonly operation: Operation | NodeOperation | null;
  readonly problem: Problem | null;
}

/** Of a request that waited for a plugin: there is nothing to cancel. */
const WAS_WAITING: readonly Asked[] = [];

/** Each by itself: one that cannot be cancelled keeps none from it. */
async function cancelEach(
  api: Api,
  ids: readonly string[],
): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  for (const id of ids) {
    try {
      const operation = await cancelOne(api, id);
      asked.push({ operation, problem: null });
    } catch (error) {
      if (!isFailure(error)) throw error;
      const { toProblem } = await import("../../../error/mod.ts");
      asked.push({ operation: null, problem: toProblem(error) });
    }
  }
  return asked;
}

/** An operation on a VM, or on a node. */
async function cancelOne(
  api: Api,
  id: string,
): Promise<Operation | NodeOperation> {
  try {
    return await api.call("cancel", { params: { id } });
  } catch (error) {
    if (!isFailure(error, "not_found")) throw error;
    const operation = await readOperation(api, id);
    if ("vm" in operation) throw error;
    const params = { id: operation.id };
    return await api.call("cancelNodeOperation", { params });
  }
}

/** A whole request, by its id or that of one of its operations. */
async function cancelAll(api: Api, id: string): Promise<readonly Asked[]> {
  const operation = await api.call("operation", { params: { id } }).catch(
    (error) => {
      if (isFailure(error, "not_found")) return null;
      throw error;
    },
  );
  const request = operation?.request ?? id;
  const answer = await api.call("cancelRequest", { params: { id: request } });
  return answer.wasWaiting === true ? WAS_WAITING : answer.operations;
}

function exitOf(asked: readonly Asked[]): number {
  const codes = new Set(
    asked.flatMap(({ problem }) =>
      problem === null ? [] : EXIT_OF[problem.code]
    ),
  );
  if (codes.size === 0) return EXIT.done;
  const [only = EXIT.failed] = codes;
  return codes.size === 1 ? only : EXIT.failed;
}
