/**
 * `request`: work that a plugin asks for.
 *
 * It is filed like a client's, by `plugin:NAME`, and never waited for. Its id
 * comes from the call that files it, so a handler that is called again after a
 * crash files the same request and not a second one.
 *
 * @module
 */
import { isGlob } from "../../core/selector.ts";
import { UsherError } from "../../error/mod.ts";
import type { AskParams } from "../../plugin/asks.ts";
import type { VmRequest } from "../../schema/request.ts";
import { hashToken } from "../auth/accounts.ts";
import type { Nodes } from "../nodes/nodes.ts";
import { callerOf, filedBy } from "../requests/plugin_caller.ts";
import type { Records } from "../records/records.ts";
import type { Requests } from "../requests/requests.ts";
import type { AnswersOf, By } from "./ask.ts";
import type { Paths } from "./path.ts";

/** Asks that filing a request is as dear as. */
const FILE_COST = 10;

/** Requests of one plugin that may be on their way through the chains. */
const MAX_UNDER_WAY = 64;

/** What requests are filed with. */
export interface RequestParts {
  readonly records: Records;
  readonly requests: Pick<Requests, "submit">;
  readonly nodes: Pick<Nodes, "unknown">;
  readonly paths: Paths;
}

/** Answers `request`. */
export function requestAnswers(parts: RequestParts): AnswersOf<"request"> {
  const underWay = new Map<string, number>();
  return {
    request: async (params, by) => {
      const { plugin } = by.grant;
      const { id, ...request } = params.request;
      check(request as VmRequest, parts, by);
      const itsId = idOf(plugin, by.asking.decision, params.key ?? id, request);
      if (by.asking.isReplay) return itsId;
      const count = underWay.get(plugin) ?? 0;
      if (count >= MAX_UNDER_WAY) throw tooMany(plugin);
      underWay.set(plugin, count + 1);
      try {
        const filed = { ...request, id: itsId } as VmRequest;
        await file(filed, params.why, parts, by);
      } finally {
        const left = (underWay.get(plugin) ?? 1) - 1;
        if (left > 0) underWay.set(plugin, left);
        else underWay.delete(plugin);
      }
      return itsId;
    },
  };
}

async function file(
  request: VmRequest,
  why: string | undefined,
  { requests, paths }: RequestParts,
  { grant, asking, pace }: By,
): Promise<void> {
  pace.charge(FILE_COST);
  pace.looked(request.names.length);
  const caller = callerOf({
    name: grant.plugin,
    event: asking.event,
    operation: asking.operation,
    cause: paths.causeOf(asking),
    depth: asking.depth + 1,
    reaches: (vm) => grant.reaches(vm),
    ...(why === undefined ? {} : { why }),
  });
  const { filed } = filedBy(caller);
  using _ = filed === undefined || request.id === undefined
    ? null
    : paths.enter(request.id, filed);
  await requests.submit(request, caller);
}

/** Throws for what the plugin may not ask, or not so. */
function check(
  request: VmRequest,
  { records, nodes, paths }: RequestParts,
  { grant, asking }: By,
): void {
  grant.requireVerb(request.verb);
  paths.refuseTooDeep(asking, `ask for ${request.verb}`);
  for (const name of request.names) {
    if (isGlob(name)) continue;
    if (name.split(".").length !== 3) throw noFullName(name, grant.plugin);
    grant.requireVm(name);
  }
  const named = "on" in request
    ? request.on
    : "to" in request
    ? request.to
    : undefined;
  if (named !== undefined && records.nodes.latest(named) === undefined) {
    throw nodes.unknown(named);
  }
}

/** The id of the request that this call files under this key, or with this content. */
function idOf(
  plugin: string,
  decision: string,
  key: string | undefined,
  request: AskParams<"request">["request"] | object,
): string {
  const what = key === undefined ? ["content", request] : ["key", key];
  const hash = hashToken(JSON.stringify([plugin, decision, ...what]));
  return `plugin-${hash.slice(0, 40)}`;
}

function noFullName(name: string, plugin: string): UsherError {
  return new UsherError(
    "invalid_input",
    `"${name}" is no full name, and plugin "${plugin}" owns no VMs`,
    { field: "names", subject: name, hint: "write vm.cluster.user" },
  );
}

function tooMany(plugin: string): UsherError {
  return new UsherError(
    "too_many_requests",
    `Plugin "${plugin}" files requests faster than they are taken in: ${MAX_UNDER_WAY} are under way`,
    { subject: plugin, hint: "name many VMs in one request, or file fewer" },
  );
}
