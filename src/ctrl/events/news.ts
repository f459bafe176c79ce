/**
 * News: which events a commit calls for, derived from what its records were
 * and what they become. Pure, so that a crash and another look come to the
 * same.
 *
 * What is told of one VM has one lane, its uid, and is told in the order of
 * the writes. A cluster has a lane of its own: what is told of it begins before
 * what is told of its first VM, and does not hold up that VM's start.
 *
 * @module
 */
import type { EventArgs, EventName, EVENTS } from "../../schema/event.ts";
import type { Cluster } from "../../schema/event_value.ts";
import type { Node } from "../../schema/node.ts";
import type { Operation } from "../../schema/operation.ts";
import type { RequestRecord } from "../../schema/stored.ts";
import type { Vm } from "../../schema/vm.ts";
import type { Write } from "../records/write.ts";
import { operationNews } from "./operation_news.ts";

/** An event that tells. */
export type TellingEvent = {
  [E in EventName]: (typeof EVENTS)[E]["class"] extends "tells" ? E : never;
}[EventName];

/** One event that happened. */
export type News = {
  readonly [E in TellingEvent]: {
    readonly event: E;
    readonly args: EventArgs<E>;
    /** What is told of the same thing is told in order. */
    readonly lane: string;
    /** Names it; the same for every look at the same write. */
    readonly decision: string;
    readonly operation?: string | undefined;
    /** How many requests of plugins it came from. */
    readonly depth?: number | undefined;
  };
}[TellingEvent];

/** A write, and the revision that its commit gives it. */
export interface Stamped {
  readonly write: Write;
  readonly revision: number;
}

/** What the records were before a commit. */
export interface Before {
  vm(uid: string): Vm | undefined;
  node(name: string): Node | undefined;
  operation(id: string): Operation | undefined;
  request(id: string): RequestRecord | undefined;
  cluster(name: string): Cluster | undefined;
}

/** What a commit calls for, in the order in which it is told; `isHeard` says of what. */
export function newsOf(
  commit: readonly Stamped[],
  before: Before,
  isHeard: (event: TellingEvent) => boolean,
): News[] {
  const news: News[] = [];
  const seen = new Seen(before, commit);
  for (const { write, revision } of commit) {
    for (const one of newsOfWrite(write, revision, seen, isHeard)) {
      news.push(one);
    }
    if (write.kind === "vm") seen.note(write.key, write.value);
  }
  return news;
}

/** The records as the writes so far leave them. */
export class Seen {
  readonly before: Before;
  readonly #commit: readonly Stamped[];
  readonly #vms = new Map<string, Vm | null>();
  /** Of those that the commit removes. */
  readonly #last = new Map<string, Vm>();

  constructor(before: Before, commit: readonly Stamped[]) {
    this.before = before;
    this.#commit = commit;
  }

  /** The VM as it is now; undefined for one that is not known. */
  vm(uid: string): Vm | undefined {
    const noted = this.#vms.get(uid);
    return noted === undefined ? this.before.vm(uid) : noted ?? undefined;
  }

  /** The VM as it is now, or was last. */
  lastVm(uid: string): Vm | undefined {
    return this.vm(uid) ?? this.#last.get(uid);
  }

  /** The request of an operation, which may be made in this very commit. */
  request(id: string): RequestRecord | undefined {
    for (const { write } of this.#commit) {
      if (write.kind === "request" && write.key === id) {
        return write.value ?? undefined;
      }
    }
    return this.before.request(id);
  }

  note(uid: string, vm: Vm | null): void {
    const known = this.vm(uid);
    if (vm === null && known !== undefined) this.#last.set(uid, known);
    this.#vms.set(uid, vm);
  }
}

function newsOfWrite(
  write: Write,
  revision: number,
  seen: Seen,
  isHeard: (event: TellingEvent) => boolean,
): News[] {
  switch (write.kind) {
    case "vm":
      return vmNews(write.value, seen.vm(write.key), revision, isHeard);
    case "node":
      return nodeNews(
        write.value,
        seen.before.node(write.key),
        revision,
        isHeard,
      );
    case "operation":
      return operationNews(write, seen, isHeard);
    case "cluster": {
      const isNew = seen.before.cluster(write.key) === undefined;
      if (!isNew || !isHeard("cluster_register")) return [];
      return [{
        event: "cluster_register",
        args: [write.value],
        lane: `cluster ${write.key}`,
        decision: `cluster_register/${write.key}`,
      }];
    }
    case "node-operation":
    case "request":
      return [];
  }
}

function vmNews(
  now: Vm | null,
  before: Vm | undefined,
  revision: number,
  isHeard: (event: TellingEvent) => boolean,
): News[] {
  const vm = now ?? before;
  const event = now === null
    ? "unregister"
    : before === undefined
    ? "register"
    : before.status.state === now.status.state
    ? null
    : "state_change";
  if (vm === undefined || event === null || !isHeard(event)) return [];
  const decision = `${event}/${vm.uid}/${revision}`;
  return [{ event, args: [vm], lane: vm.uid, decision }];
}

/**
 * A node is connected from when it has told of all that it runs until its
 * session is over. One that takes the place of a session before the
 * controller saw that end is no news.
 */
function nodeNews(
  now: Node | null,
  before: Node | undefined,
  revision: number,
  isHeard: (event: TellingEvent) => boolean,
): News[] {
  const isConnected = now?.state === "ready";
  const was = before?.state === "ready";
  const node = now ?? before;
  if (node === undefined || isConnected === was) return [];
  const event = isConnected ? "lnm_connect" : "lnm_disconnect";
  if (!isHeard(event)) return [];
  const decision = `${event}/${node.name}/${revision}`;
  return [{ event, args: [node], lane: `node ${node.name}`, decision }];
}
