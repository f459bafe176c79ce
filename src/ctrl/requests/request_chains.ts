/**
 * The chains of a request: `request`, then the one of its verb. What comes out
 * is what is done.
 *
 * A handler may edit a request as far as whoever asked could have asked for
 * that: after every edit names are resolved anew, for the same caller, so no
 * edit reaches a VM that is out of the caller's reach. Who asks, and for which
 * verb, no handler can change.
 *
 * @module
 */
import { isUsherError, messageOf, UsherError } from "../../error/mod.ts";
import type { Decided, Events, Firing } from "../../plugin/events.ts";
import { isEventName } from "../../schema/event.ts";
import type { AskedVm, RequestValue } from "../../schema/event_value.ts";
import type { TrailEntry } from "../../schema/operation.ts";
import type { PlannedChange } from "../../schema/plan.ts";
import { VmRequest } from "../../schema/request.ts";
import type { Caller } from "../auth/caller.ts";
import type { Decision } from "../events/kept_answers.ts";
import { NameResolver } from "./names.ts";
import type { Records } from "../records/records.ts";
import { targetsOf } from "./targets.ts";

/** What chains of requests work with. */
export interface ChainParts {
  readonly events: Events;
  readonly records: Records;
}

/** One request on its way through its chains. */
export interface Asking {
  readonly id: string;
  readonly request: VmRequest;
  readonly caller: Caller;
}

/** What chains made of a request. */
export interface Allowed {
  readonly request: VmRequest;
  /** Who changed what, and who took long. */
  readonly trail: readonly TrailEntry[];
  /** The versions of the plugins that heard it, or may hear of its end. */
  readonly plugins: Readonly<Record<string, string>>;
  /** Who was asked, and what each changed. */
  readonly changes: readonly PlannedChange[];
}

/** A request as it was sent, for what no chain has changed. */
export function unchanged(request: VmRequest): Allowed {
  return { request, trail: [], plugins: {}, changes: [] };
}

/** The event of requests for a verb; null for a verb that passes `request` alone. */
function eventOf(verb: VmRequest["verb"]) {
  const event = `${verb}_request`;
  return isEventName(event) ? event as VmEvent : null;
}

type VmEvent = Extract<
  `${VmRequest["verb"]}_request`,
  Parameters<Events["decide"]>[0]
>;

/**
 * Lets the chains of a request decide. Throws `refused` and `plugin_failed`,
 * which name the plugin, and what is wrong with the names that were asked for.
 */
export async function allow(
  asking: Asking,
  parts: ChainParts,
  more: Pick<Firing, "isReplay" | "signal"> & { readonly answers?: Decision } =
    {},
): Promise<Allowed> {
  const { events } = parts;
  const { verb } = asking.request;
  const own = eventOf(verb);
  const now = () => events.versions(hearing(verb));
  const versions = more.answers?.begin(now) ?? now();
  const chains = own === null
    ? ["request" as const]
    : ["request" as const, own];
  const heard = chains.filter((event) => events.isHeard(event));
  const trail: TrailEntry[] = [];
  const changes: PlannedChange[] = [];
  const took: Record<string, string> = {};
  let { request } = asking;
  let value: RequestValue | null = null;
  for (const event of heard) {
    // Names are resolved anew only for what was edited: there may be thousands.
    value ??= valueOf({ ...asking, request }, parts.records);
    const decided: Decided<"request"> = await events.decide(
      event as "request",
      [value],
      { ...firingOf(asking, more), versions },
    );
    trail.push(...decided.trail);
    Object.assign(took, decided.plugins);
    for (const share of decided.shares) changes.push({ event, ...share });
    if (decided.args[0] === value) continue;
    request = edited({ ...asking, request }, decided, parts.records);
    value = null;
  }
  return { request, trail, plugins: { ...versions, ...took }, changes };
}

/** The events that an operation of a verb leads to, from its request to its end. */
function hearing(verb: string): string[] {
  return [
    "request",
    `${verb}_request`,
    verb,
    `${verb}_failure`,
    "register",
    "unregister",
  ];
}

function firingOf(
  { id, caller: { plugin } }: Asking,
  more: Pick<Firing, "isReplay" | "signal">,
): Firing {
  return {
    decision: id,
    depth: plugin?.depth ?? 0,
    ...(plugin === undefined ? {} : { except: [plugin.name] }),
    ...more,
  };
}

/** The request as handlers get it. Throws what is wrong with its names. */
function valueOf(
  { id, request, caller }: Asking,
  records: Records,
): RequestValue {
  return {
    ...request,
    id,
    user: caller.user,
    role: caller.role,
    groups: [...caller.groups ?? []],
    plugin: caller.plugin?.name ?? null,
    vms: meant(request, caller, records),
  } as RequestValue;
}

/** The VMs that a request means, for its caller. */
function meant(
  request: VmRequest,
  caller: Caller,
  records: Records,
): AskedVm[] {
  const resolver = new NameResolver(records, caller);
  return targetsOf(request, resolver, caller).map(({ name, vm }) => ({
    name,
    uid: vm?.uid ?? null,
    node: vm?.node ?? null,
  }));
}

/** The request that a chain came to. Throws `plugin_failed` when it cannot be. */
function edited(
  { request, caller }: Asking,
  { args: [value], shares }: Decided<"request">,
  records: Records,
): VmRequest {
  const { user: _u, role: _r, groups: _g, plugin: _p, ...rest } = value as
    & RequestValue
    & { vms: AskedVm[] };
  const { vms: _v, id: _i, ...asked } = rest;
  const id = request.id === undefined ? {} : { id: request.id };
  try {
    const now = VmRequest.parse({ ...asked, ...id });
    meant(now, caller, records);
    refuseUnknownNode(now, records);
    return now;
  } catch (error) {
    const changedBy = shares.filter(({ changed }) => changed.length > 0)
      .map(({ plugin }) => plugin);
    const who = changedBy.map((plugin) => `"${plugin}"`).join(" and ");
    throw new UsherError(
      "plugin_failed",
      `Plugin ${who} changed the request to one that cannot be: ${
        messageOf(error)
      }`,
      {
        subject: changedBy.at(-1),
        hint: isUsherError(error) ? error.details.hint : undefined,
        cause: error,
      },
    );
  }
}

/** A node that a handler names must be there, as for anybody. */
function refuseUnknownNode(request: VmRequest, { nodes }: Records): void {
  const node = "on" in request
    ? request.on
    : "to" in request
    ? request.to
    : undefined;
  if (node === undefined || nodes.latest(node) !== undefined) return;
  throw new UsherError("not_found", `There is no node "${node}"`, {
    field: "on" in request ? "on" : "to",
    subject: node,
  });
}
