/**
 * What the end of an operation calls for: `<verb>` when it did what was asked,
 * `<verb>_failure` when it did not, be it that it failed or was cancelled.
 *
 * Verbs without events of their own (register, unregister and destroy) are
 * told of by what they do.
 *
 * @module
 */
import { isFinal } from "../../core/operation_machine.ts";
import { EVENTS, isEventName } from "../../schema/event.ts";
import type { Operation } from "../../schema/operation.ts";
import type { Problem } from "../../schema/problem.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Write } from "../records/write.ts";
import type { Seen } from "./seen.ts";
import type { News, TellingEvent } from "./news_item.ts";

type OperationWrite = Extract<Write, { kind: "operation" }>;

/** The news of one operation's write. */
export function operationNews(
  { value: now, vm: asked }: OperationWrite,
  seen: Seen,
  isHeard: (event: TellingEvent) => boolean,
): News[] {
  if (now === null || !isFinal(now.state)) return [];
  const before = seen.before.operation(now.id);
  if (before !== undefined && isFinal(before.state)) return [];
  const failure = `${now.verb}_failure`;
  // `register` and `unregister` are events too, and none of an operation.
  if (!isTelling(failure)) return [];
  const event = now.state === "succeeded" ? now.verb : failure;
  if (!isTelling(event) || !isHeard(event)) return [];
  const vm = seen.lastVm(now.uid) ?? asked;
  if (vm === undefined) return [];
  const told = newsFor(event, vm, now, seen);
  return told === null ? [] : [told];
}

function newsFor(
  event: TellingEvent,
  vm: Vm,
  operation: Operation,
  seen: Seen,
): News | null {
  const { before } = seen;
  const common = {
    lane: operation.uid,
    decision: `${operation.id}/${event}`,
    operation: operation.id,
    depth: seen.request(operation.request)?.filed?.depth,
  };
  if (event === "migrate") {
    const from = before.node(operation.from ?? vm.node ?? "");
    return from === undefined ? null : { event, args: [vm, from], ...common };
  }
  if (isFailure(event)) {
    const { problem } = operation;
    return problem === null
      ? null
      : { event, args: [vm, problem] as [Vm, Problem], ...common };
  }
  return { event, args: [vm], ...common } as News;
}

type FailureEvent = Extract<TellingEvent, `${string}_failure`>;

function isFailure(event: TellingEvent): event is FailureEvent {
  return event.endsWith("_failure");
}

function isTelling(event: string): event is TellingEvent {
  return isEventName(event) && EVENTS[event].class === "tells" &&
    EVENTS[event].group === "vm";
}
