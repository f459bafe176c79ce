/**
 * `GET /v1/watch`: a snapshot, then every change, as the caller may see it.
 *
 * @module
 */
import type { Node } from "../../schema/node.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import { splitVmName } from "../../schema/name.ts";
import { type Caller, isInScope } from "../auth/caller.ts";
import { isFinal } from "../../core/operation_machine.ts";
import { looksAtAll, maySee, maySeeAll } from "../requests/names.ts";
import type { Change } from "../records/records.ts";
import type { Site } from "../site.ts";
import { nodeView, vmView } from "../views.ts";
import { BEAT_MS } from "./beat.ts";
import type { Sight } from "./sight.ts";
import type { WatchQuery } from "./watch_query.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";

/** The lines of a watch, until `signal` aborts or the reader falls too far behind. */
export async function* watch(
  site: Site,
  caller: Caller,
  { query, sight }: { readonly query: WatchQuery; readonly sight: Sight },
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  // What was shown before is not known where something may be hidden now.
  const resumes = query.since !== null && !sight.isNarrow &&
    site.changes.reaches(query.since);
  let at = resumes ? query.since ?? 0 : site.changes.newest;
  yield {
    type: "hello",
    revision: at,
    reset: query.since !== null && !resumes,
  };
  if (!resumes && query.snapshot) yield* snapshot(site, caller, query, sight);
  yield { type: "synced", revision: at };
  const { clock } = site.context;
  let saidAt = clock.monotonic();
  while (!signal.aborted) {
    if (!site.accounts.isLive(caller)) {
      yield { type: "bye", reason: "this session has ended", resume: false };
      return;
    }
    const changes = site.changes.after(at);
    if (changes === null) {
      yield {
        type: "bye",
        reason: "you read too slowly; come back for a snapshot",
        resume: true,
      };
      return;
    }
    for (const { change, at: when } of changes) {
      const shown = query.kinds.has(change.kind) ? sight.of(change) : null;
      const line = shown === null ? null : lineOf(site, caller, shown, when);
      at = change.revision;
      if (line === null) continue;
      yield line;
      saidAt = clock.monotonic();
    }
    // Also where much happens that this watcher may not see.
    const quietMs = clock.monotonic() - saidAt;
    if (quietMs >= BEAT_MS) {
      yield { type: "beat", revision: at };
      saidAt = clock.monotonic();
    }
    if (changes.length > 0 || quietMs >= BEAT_MS) continue;
    const beat = new AbortController();
    using _timer = clock.after(
      BEAT_MS - quietMs,
      () => beat.abort("a beat is due"),
    );
    using either = new JoinedSignal(signal, beat.signal);
    await site.changes.next(either.signal);
  }
  yield site.accounts.isLive(caller)
    ? { type: "bye", reason: "the controller ends", resume: true }
    : { type: "bye", reason: "this session has ended", resume: false };
}

function* snapshot(
  site: Site,
  caller: Caller,
  { kinds }: WatchQuery,
  sight: Sight,
): Generator<unknown> {
  if (kinds.has("node")) {
    for (const node of site.records.nodes.values()) {
      if (!sight.showsNode(node)) continue;
      yield {
        type: "snapshot",
        kind: "node",
        value: nodeView(node, site.links, site.records.capacity),
      };
    }
  }
  if (kinds.has("vm")) {
    for (const vm of site.records.vms.values()) {
      if (maySee(caller, vm) && sight.showsVm(vm)) {
        yield {
          type: "snapshot",
          kind: "vm",
          value: vmView(vm, site.links, site.runner),
        };
      }
    }
  }
  if (kinds.has("node-operation") && maySeeAll(caller)) {
    for (const value of site.records.nodeOperations.values()) {
      if (isFinal(value.state)) continue;
      yield { type: "snapshot", kind: "node-operation", value };
    }
  }
  if (kinds.has("operation")) {
    for (const operation of site.records.operations.values()) {
      if (!isFinal(operation.state) && maySeeOperation(caller, operation)) {
        const value = site.records.withProgress(operation);
        yield { type: "snapshot", kind: "operation", value };
      }
    }
  }
}

function lineOf(
  site: Site,
  caller: Caller,
  change: Change,
  at: string,
): unknown {
  const { kind, revision, note, value, id, name } = change;
  if (!maySeeChange(caller, change)) return null;
  if (value === null) return { type: "delete", kind, revision, at, id, name };
  return { type: "put", kind, revision, note, at, value: viewOf(site, change) };
}

function viewOf(site: Site, { kind, value }: Change): unknown {
  if (kind === "vm") return vmView(value as Vm, site.links, site.runner);
  if (kind === "node") {
    return nodeView(value as Node, site.links, site.records.capacity);
  }
  return value;
}

function maySeeChange(caller: Caller, { kind, name, value }: Change): boolean {
  if (kind === "node") return true;
  if (kind === "node-operation") return maySeeAll(caller);
  if (kind === "operation" && value !== null) {
    return maySeeOperation(caller, value as Operation);
  }
  if (!isInScope(caller, name)) return false;
  return looksAtAll(caller) || splitVmName(name).user === caller.user;
}

/** Whether `caller` may see an operation: it is on a VM of theirs, or by them. */
export function maySeeOperation(caller: Caller, operation: Operation): boolean {
  if (!isInScope(caller, operation.vm)) return false;
  return looksAtAll(caller) || operation.user === caller.user ||
    splitVmName(operation.vm).user === caller.user;
}
