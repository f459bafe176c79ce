/**
 * Following a request: a line for every change of its operations, then its
 * result.
 *
 * @module
 */
import { isFinal } from "../../core/operation_machine.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Caller } from "../auth/caller.ts";
import type { Change } from "../records/records.ts";
import { outcomeOf } from "../requests/requests.ts";
import type { Site } from "../site.ts";

const BEAT_MS = 5_000;

/**
 * The lines of a followed request (`FollowFrame`). What happened before is
 * said once, as it is now. Throws `not_found`.
 */
export async function* follow(
  site: Site,
  id: string,
  caller: Caller,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const ids = new Set(site.requests.operationsOf(id));
  // The newest of each alone, so that a slow reader costs no more than that.
  const changed = new Map<string, Operation>();
  let wake = () => {};
  const stop = site.records.subscribe((changes: readonly Change[]) => {
    for (const { kind, id, value } of changes) {
      if (kind === "operation" && value !== null && ids.has(id)) {
        changed.set(id, value as Operation);
      }
    }
    if (changed.size > 0) wake();
  });
  try {
    const result = site.requests.result(id, caller);
    yield { type: "accepted", request: id, count: ids.size };
    let open = result.outcomes.filter(({ state }) => !isFinal(state)).length;
    // A request whose VMs are all done already says so by its result alone.
    if (open > 0) {
      for (const [index, outcome] of result.outcomes.entries()) {
        yield { type: "progress", index, outcome };
      }
    }
    while (open > 0 && !signal.aborted && site.accounts.isLive(caller)) {
      const news = [...changed.values()];
      changed.clear();
      for (const operation of news) {
        if (isFinal(operation.state)) open--;
        const outcome = outcomeOf(
          operation,
          site.records.vms.get(operation.uid),
        );
        yield { type: "progress", index: operation.index, outcome };
      }
      if (open === 0) break;
      if (
        !await somethingNew(
          (resolve) => wake = resolve,
          () => changed.size > 0,
          site.context.clock,
          signal,
        )
      ) yield { type: "beat" };
    }
    if (open === 0) {
      yield { type: "result", result: site.requests.result(id, caller) };
    }
  } finally {
    stop();
  }
}

/** Waits for a change; false when it is time for a beat. */
function somethingNew(
  onWake: (resolve: () => void) => void,
  isThere: () => boolean,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  if (isThere() || signal.aborted) return Promise.resolve(true);
  return new Promise((resolve) => {
    const timer = clock.after(BEAT_MS, () => end(false));
    const stop = () => end(true);
    function end(isNew: boolean) {
      timer[Symbol.dispose]();
      signal.removeEventListener("abort", stop);
      resolve(isNew);
    }
    signal.addEventListener("abort", stop, { once: true });
    onWake(stop);
  });
}
