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
import type { Node } from "../../schema/node.ts";
import { clusterValue } from "../records/clusters.ts";
import type { Write } from "../records/write.ts";
import type { News, TellingEvent } from "./news_item.ts";
import { operationNews } from "./operation_news.ts";
import { type Before, Seen, type Stamped } from "./seen.ts";

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

function newsOfWrite(
  write: Write,
  revision: number,
  seen: Seen,
  isHeard: (event: TellingEvent) => boolean,
): News[] {
  switch (write.kind) {
    case "vm":
      return vmNews(write, revision, seen, isHeard);
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
      if (write.value === null || !isNew || !isHeard("cluster_register")) {
        return [];
      }
      return [{
        event: "cluster_register",
        args: [clusterValue(write.value)],
        lane: `cluster ${write.key}`,
        decision: `cluster_register/${write.key}/${revision}`,
      }];
    }
    case "node-operation":
    case "request":
      return [];
  }
}

function vmNews(
  { key, value: now }: Extract<Write, { kind: "vm" }>,
  revision: number,
  seen: Seen,
  isHeard: (event: TellingEvent) => boolean,
): News[] {
  const before = seen.vm(key);
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
  const told = { event, args: [vm], lane: vm.uid, decision } as const;
  // What a state changes for is known by its node alone.
  const operation = event === "state_change"
    ? undefined
    : seen.operationOn(vm.uid);
  if (operation === undefined) return [{ ...told, args: [vm] }];
  const depth = seen.request(operation.request)?.filed?.depth;
  return [{ ...told, args: [vm], operation: operation.id, depth }];
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
