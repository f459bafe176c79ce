/**
 * The janitor: ended operations, old requests, sessions and join tokens do not
 * pile up.
 *
 * @module
 */
import { isFinal } from "../core/operation_machine.ts";
import { messageOf } from "../error/mod.ts";
import type { Accounts } from "./auth/accounts.ts";
import type { CtrlContext } from "./context.ts";
import type { Nodes } from "./nodes/nodes.ts";
import type { Records, Write } from "./records/records.ts";

const EVERY_MS = 60_000;

/** So many at once, so that a large history is not one large commit. */
const BATCH = 400;

/** What the janitor works with. */
export interface JanitorParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly accounts: Accounts;
  readonly nodes: Nodes;
  /** How long ended operations are kept, and how many at most. */
  readonly keepMs: number;
  readonly keepCount: number;
}

/** Sweeps until `signal` aborts. */
export async function keepTidy(
  parts: JanitorParts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await parts.context.clock.sleep(EVERY_MS, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      await sweep(parts);
      await parts.accounts.sweep();
      await parts.nodes.sweep();
    } catch (error) {
      parts.context.log.warn("old records could not be removed", {
        error: messageOf(error),
      });
    }
  }
}

/** Removes what is over its time, oldest first; returns how many records. */
export async function sweep(
  { context, records, keepMs, keepCount }: Omit<
    JanitorParts,
    "accounts" | "nodes"
  >,
): Promise<number> {
  const before = new Date(context.clock.now() - keepMs).toISOString();
  const writes: Write[] = [];
  let excess = records.operations.size - keepCount;
  for (const { id: request } of records.requests.values()) {
    const ids = records.byRequest.get(request) ?? [];
    const operations = ids.map((id) => records.operations.get(id)).filter((
      one,
    ) => one !== undefined);
    // A request goes as a whole, so that its result is never half there; one
    // without operations is what a sweep that failed half way has left.
    if (operations.some(({ state }) => !isFinal(state))) continue;
    const newest = operations.reduce(
      (max, { endedAt }) => endedAt !== null && endedAt > max ? endedAt : max,
      "",
    );
    if (newest >= before && excess <= 0) continue;
    excess -= operations.length;
    for (const { id } of operations) {
      writes.push({ kind: "operation", key: id, value: null });
    }
    writes.push({ kind: "request", key: request, value: null });
  }
  // Before its parts are gone nobody could tell what became of it.
  for (const { id, endedAt } of records.nodeOperations.values()) {
    const isOld = endedAt !== null && endedAt < before;
    if (!isOld || (records.byParent.get(id)?.size ?? 0) > 0) continue;
    writes.push({ kind: "node-operation", key: id, value: null });
  }
  for (let from = 0; from < writes.length; from += BATCH) {
    await records.write(writes.slice(from, from + BATCH));
  }
  return writes.length;
}
