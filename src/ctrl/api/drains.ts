/**
 * Drains as clients see them: begun, planned, listed, shown, stopped.
 *
 * A drain names VMs of everybody, so only who may see all of them sees it.
 *
 * @module
 */
import { isFinal } from "../../core/operation_machine.ts";
import { matchesAll, parseFilter } from "../../core/selector.ts";
import { UsherError } from "../../error/mod.ts";
import {
  DrainRequest,
  type NodeOperation,
  type NodeOperationView,
} from "../../schema/node_operation.ts";
import { maySeeAll } from "../auth/access.ts";
import type { Caller } from "../auth/caller.ts";
import { FILTER_KEYS } from "./operations.ts";
import { outcomeOf } from "../requests/requests.ts";
import type { Site } from "../site.ts";
import { readBody } from "./http.ts";

/** Begins a drain; answers it as it is then. */
export async function beginDrain(
  site: Site,
  caller: Caller,
  name: string,
  request: Request,
): Promise<NodeOperationView> {
  const asked = await readBody(site.context.clock, request, DrainRequest);
  return viewOf(site, await site.drains.begin(name, asked, caller));
}

/** What a drain would do. */
export async function planDrain(site: Site, name: string, request: Request) {
  const asked = await readBody(site.context.clock, request, DrainRequest);
  return site.drains.plan(name, asked);
}

/** Drains, newest first. */
export function listDrains(
  { records }: Site,
  caller: Caller,
  url: URL,
): NodeOperation[] {
  if (!maySeeAll(caller)) return [];
  const filter = url.searchParams.get("filter") ?? "";
  const conditions = parseFilter(filter, FILTER_KEYS);
  const limit = Number(url.searchParams.get("limit") ?? 100) || 100;
  return [...records.nodeOperations.values()].reverse()
    .filter((drain) =>
      matchesAll(
        conditions,
        (key) => String(drain[key as keyof NodeOperation] ?? ""),
      )
    )
    .slice(0, Math.min(10_000, Math.max(1, limit)));
}

/** One drain, with what became of each VM. Throws `not_found`. */
export function showDrain(
  site: Site,
  caller: Caller,
  text: string,
): NodeOperationView {
  return viewOf(site, findDrain(site, caller, text));
}

/** Stops a drain; answers it as it is then. */
export async function cancelDrain(
  site: Site,
  caller: Caller,
  text: string,
): Promise<NodeOperation> {
  const drain = findDrain(site, caller, text);
  if (isFinal(drain.state)) {
    throw new UsherError(
      "wrong_state",
      `Cannot cancel the drain of node "${drain.node}": it ${drain.state} already`,
      { hint: `see what became of it with "usher op show ${drain.id}"` },
    );
  }
  await site.drains.cancel(drain.id, `asked by ${caller.user}`);
  return site.records.nodeOperations.get(drain.id) ?? drain;
}

function viewOf({ records }: Site, drain: NodeOperation): NodeOperationView {
  const children = [...records.byParent.get(drain.id) ?? []].flatMap((id) =>
    records.operations.get(id) ?? []
  );
  const outcomes = children.map((child) =>
    outcomeOf(records.withProgress(child), records.vms.get(child.uid))
  );
  return { ...drain, outcomes };
}

function findDrain(site: Site, caller: Caller, text: string): NodeOperation {
  const all = maySeeAll(caller)
    ? [...site.records.nodeOperations.values()]
    : [];
  const exact = all.find(({ id }) => id === text);
  const found = exact !== undefined
    ? [exact]
    : all.filter(({ id }) => text.length >= 6 && id.startsWith(text));
  const [drain, ...more] = found;
  if (drain === undefined) {
    throw new UsherError("not_found", `There is no operation "${text}"`, {
      hint: 'see what there is with "usher op list"',
    });
  }
  if (more.length === 0) return drain;
  throw new UsherError(
    "invalid_input",
    `"${text}" could be ${found.length} operations`,
    { hint: "write more of the id" },
  );
}
