/**
 * The janitor: ended operations, old requests, sessions and join tokens do not
 * pile up.
 *
 * It begins soon after the controller does and not a period later: what a
 * controller starts with is what the last one kept, so one that is always
 * ended within the period would start with more each time.
 *
 * @module
 */
import { isFinal } from "../core/operation_machine.ts";
import { messageOf } from "../error/mod.ts";
import { isoTime } from "../sys/clock.ts";
import type { Accounts } from "./auth/accounts.ts";
import type { CtrlContext } from "./context.ts";
import type { Nodes } from "./nodes/nodes.ts";
import type { Records, Write } from "./records/records.ts";

const EVERY_MS = 60_000;

/** The first time: those who come back to a new controller go before. */
const FIRST_MS = 1000;

/**
 * So long the end of a request is kept however many there are: who was cut off
 * asks again within that time, and must not have it done twice.
 */
const FRESH_MS = 60_000;

/** So many at once, so that a large history is not one large commit. */
const BATCH = 400;

/** What the janitor works with. */
export interface JanitorParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly accounts: Pick<Accounts, "sweep">;
  readonly nodes: Pick<Nodes, "sweep">;
  /** How long ended operations are kept, and how many at most. */
  readonly keepMs: number;
  readonly keepCount: number;
}

/** Sweeps until `signal` aborts. */
export async function keepTidy(
  parts: JanitorParts,
  signal: AbortSignal,
): Promise<void> {
  for (let wait = FIRST_MS;; wait = EVERY_MS) {
    await parts.context.clock.sleep(wait, signal).catch(() => {});
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
  const now = context.clock.now();
  const before = isoTime(now - keepMs);
  const fresh = isoTime(now - Math.min(keepMs, FRESH_MS));
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
    if (newest >= (excess > 0 ? fresh : before)) continue;
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
