/**
 * Operations as clients see them: listed, shown, cancelled.
 *
 * @module
 */
import { cancellable } from "../../core/cancelling.ts";
import { isFinal } from "../../core/operation_machine.ts";
import { matchesAll, parseFilter } from "../../core/selector.ts";
import { toProblem, UsherError } from "../../error/mod.ts";
import type {
  CancelledRequest,
  Operation,
  OperationView,
} from "../../schema/operation.ts";
import { Access } from "../auth/access.ts";
import { type Caller, requireVerb } from "../auth/caller.ts";
import type { Site } from "../site.ts";

/** What a filter may ask about. */
export const FILTER_KEYS: readonly string[] = [
  "vm",
  "verb",
  "state",
  "node",
  "user",
  "request",
  "parent",
];

/** Operations that the caller may see, newest first. */
export function listOperations(
  { records }: Site,
  caller: Caller,
  url: URL,
): Operation[] {
  const filter = url.searchParams.get("filter") ?? "";
  const conditions = parseFilter(filter, FILTER_KEYS);
  const limit = Math.min(
    10_000,
    Math.max(1, Number(url.searchParams.get("limit") ?? 100) || 100),
  );
  const access = new Access(caller, records);
  const operations: Operation[] = [];
  for (const operation of [...records.operations.values()].reverse()) {
    if (operations.length >= limit) break;
    if (!access.maySeeOperation(operation)) continue;
    const read = (key: string) =>
      String(operation[key as keyof Operation] ?? "");
    if (matchesAll(conditions, read)) {
      operations.push(records.withProgress(operation));
    }
  }
  return operations;
}

/** One operation, by its id or the beginning of it. Throws `not_found`. */
export function showOperation(
  site: Site,
  caller: Caller,
  text: string,
): OperationView {
  const operation = findOperation(site, caller, text);
  const vm = site.records.vms.get(operation.uid);
  return {
    ...site.records.withProgress(operation),
    cancellable: cancellable(operation, vm),
  };
}

/** Asks one operation to stop; answers it as it is then. */
export async function cancelOperation(
  site: Site,
  caller: Caller,
  text: string,
): Promise<Operation> {
  const operation = findOperation(site, caller, text);
  requireVerb(caller, operation.verb);
  const access = new Access(caller, site.records);
  if (!access.mayCancel(operation)) access.requireControl(operation.vm);
  if (isFinal(operation.state)) {
    throw new UsherError(
      "wrong_state",
      `Operation ${operation.id} has ended already: it ${operation.state}`,
    );
  }
  await site.runner.cancel(operation.id, `asked by ${caller.user}`);
  return site.records.operations.get(operation.id) ?? operation;
}

/**
 * Asks all operations of a request to stop. Those that wait go first, so that
 * none begins because another was stopped.
 */
export async function cancelRequest(
  site: Site,
  caller: Caller,
  id: string,
): Promise<CancelledRequest> {
  if (site.requests.deciding.giveUp(id, caller)) {
    return { request: id, operations: [], wasWaiting: true };
  }
  const { outcomes, verb } = site.requests.result(id, caller);
  requireVerb(caller, verb);
  const open = outcomes.flatMap(({ operation }) =>
    site.records.operations.latest(operation ?? "") ?? []
  ).filter(({ state }) => !isFinal(state));
  open.sort((a, b) =>
    Number(b.state === "pending") - Number(a.state === "pending")
  );
  const operations: CancelledRequest["operations"] = [];
  for (const operation of open) {
    let problem = null;
    try {
      await site.runner.cancel(operation.id, `asked by ${caller.user}`);
    } catch (error) {
      problem = toProblem(error);
    }
    const now = site.records.operations.get(operation.id) ?? operation;
    operations.push({ operation: now, problem });
  }
  return { request: id, operations };
}

/** The operation that a caller means. Throws `not_found`. */
export function findOperation(
  site: Site,
  caller: Caller,
  text: string,
): Operation {
  const exact = site.records.operations.get(text);
  const found = exact !== undefined
    ? [exact]
    : [...site.records.operations.values()]
      .filter((operation) => text.length >= 6 && operation.id.startsWith(text));
  const access = new Access(caller, site.records);
  const visible = found.filter((operation) =>
    access.maySeeOperation(operation)
  );
  if (visible.length > 1) {
    throw new UsherError(
      "invalid_input",
      `"${text}" could be ${visible.length} operations`,
      { hint: "write more of the id" },
    );
  }
  const [operation] = visible;
  if (operation === undefined) {
    throw new UsherError("not_found", `There is no operation "${text}"`, {
      hint: 'see what there is with "usher op list"',
    });
  }
  return operation;
}
