/**
 * `GET /v1/watch`: a snapshot, then every change, as the caller may see it.
 *
 * @module
 */
import type { ClusterRecord } from "../../schema/cluster.ts";
import type { Node } from "../../schema/node.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Access } from "../auth/access.ts";
import type { Caller } from "../auth/caller.ts";
import { isFinal } from "../../core/operation_machine.ts";
import type { Change } from "../records/records.ts";
import type { Site } from "../site.ts";
import { clusterView } from "../clusters/cluster_view.ts";
import { nodeView, vmView } from "../views.ts";
import { BEAT_MS } from "./beat.ts";
import { SharedView } from "./shared_view.ts";
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
  const view = new SharedView(site, caller);
  const resumes = mayResume(site, view, query, sight);
  let at = resumes ? query.since ?? 0 : site.changes.newest;
  yield {
    type: "hello",
    revision: at,
    reset: query.since !== null && !resumes,
  };
  if (resumes || !query.snapshot) view.resume();
  else yield* snapshot(site, view, query, sight);
  yield { type: "synced", revision: at };
  const { clock } = site.context;
  let saidAt = clock.monotonic();
  while (!signal.aborted) {
    if (!site.accounts.isLive(caller)) break;
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
      for (const shown of shownOf(view, change, { query, sight, at })) {
        yield lineOf(site, view.access, shown, when);
        saidAt = clock.monotonic();
      }
      at = change.revision;
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

/** Not where something may be hidden now: what was shown before is not known. */
function mayResume(
  { changes }: Site,
  view: SharedView,
  { since }: WatchQuery,
  sight: Sight,
): boolean {
  return since !== null && !sight.isNarrow && changes.reaches(since) &&
    view.isAsOf(since);
}

/** Of what one change is for a watcher, what the watcher asks for and is shown. */
function* shownOf(
  view: SharedView,
  change: Change,
  { query, sight, at }: {
    readonly query: WatchQuery;
    readonly sight: Sight;
    /** The revision before the change. */
    readonly at: number;
  },
): Generator<Change> {
  for (const told of changesFor(view, change, at)) {
    const shown = query.kinds.has(told.kind) ? sight.of(told) : null;
    if (shown !== null) yield shown;
  }
}

/** What one change is for a watcher: nothing, itself, or what a share shows or hides. */
function* changesFor(
  view: SharedView,
  change: Change,
  at: number,
): Generator<Change> {
  const { access } = view;
  switch (change.kind) {
    case "node":
      yield change;
      return;
    case "node-operation":
      if (access.seesAll) yield change;
      return;
    case "operation":
      if (access.maySeeOperation(operationOf(change))) yield change;
      return;
    case "vm":
      if (view.showsVm(change)) yield change;
      return;
    case "cluster": {
      for (const one of view.besides(change)) yield { ...one, revision: at };
      const shown = view.ofCluster(change);
      if (shown !== null) yield shown;
    }
  }
}

/** Of one that is gone, only the VM's name is left. */
function operationOf({ name, value }: Change): Pick<Operation, "user" | "vm"> {
  return value === null ? { user: "", vm: name } : value as Operation;
}

function* snapshot(
  site: Site,
  view: SharedView,
  { kinds }: WatchQuery,
  sight: Sight,
): Generator<unknown> {
  const { access } = view;
  const { links, records } = site;
  if (kinds.has("node")) {
    for (const node of records.nodes.values()) {
      if (!sight.showsNode(node)) continue;
      yield line("node", nodeView(node, links, records.capacity));
    }
  }
  if (kinds.has("cluster")) {
    for (const cluster of records.clusters.values()) {
      if (access.cluster(cluster.name) === null) continue;
      yield line("cluster", clusterView(cluster, access, records));
    }
  }
  for (const vm of records.vms.values()) {
    if (!access.maySee(vm.name) || !sight.showsVm(vm)) continue;
    view.hold(vm.uid, vm.name);
    if (kinds.has("vm")) {
      yield line("vm", vmView(vm, site));
    }
  }
  if (kinds.has("node-operation") && access.seesAll) {
    for (const value of records.nodeOperations.values()) {
      if (!isFinal(value.state)) yield line("node-operation", value);
    }
  }
  if (kinds.has("operation")) {
    for (const operation of records.operations.values()) {
      if (isFinal(operation.state)) continue;
      if (!access.maySeeOperation(operation)) continue;
      yield line("operation", records.withProgress(operation));
    }
  }
}

function line(kind: Change["kind"], value: unknown): unknown {
  return { type: "snapshot", kind, value };
}

function lineOf(
  site: Site,
  access: Access,
  change: Change,
  at: string,
): unknown {
  const { kind, revision, note, value, id, name } = change;
  if (value === null) return { type: "delete", kind, revision, at, id, name };
  const shown = viewOf(site, access, change);
  return { type: "put", kind, revision, note, at, value: shown };
}

function viewOf(
  site: Site,
  access: Access,
  { kind, value }: Change,
): unknown {
  const { links, records } = site;
  switch (kind) {
    case "vm":
      return vmView(value as Vm, site);
    case "node":
      return nodeView(value as Node, links, records.capacity);
    case "cluster":
      return clusterView(value as ClusterRecord, access, records);
    case "operation":
    case "node-operation":
      return value;
  }
}
