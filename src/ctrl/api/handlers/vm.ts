/**
 * VMs, requests for them, and their consoles, as routes.
 *
 * @module
 */
import { UsherError } from "../../../error/mod.ts";
import { withoutSuffix } from "../../../schema/name.ts";
import { VmRequest } from "../../../schema/request.ts";
import type { VM_ROUTES } from "../../../schema/route/vm.ts";
import { upgradeWebSocket } from "../../../sys/websocket.ts";
import { requireVerb } from "../../auth/caller.ts";
import { ConsoleRight } from "../../console/console_right.ts";
import { explain } from "../../requests/explanations.ts";
import { NameResolver } from "../../requests/names.ts";
import { vmView } from "../../views.ts";
import { type Call, type Handler, json } from "../handler.ts";
import { readBody } from "../http.ts";
import { cancelRequest } from "../operations.ts";
import { followSent, submitAndFollow } from "../submit.ts";
import { listVms, shownVm } from "../vms.ts";

/** Bytes of what a console printed before that are shown at first, and at most. */
const DEFAULT_HISTORY = 64 * 1024;
const MAX_HISTORY = 16 * 1024 * 1024;

/** Handlers of VMs and of requests. */
export const VM_HANDLERS: Readonly<Record<keyof typeof VM_ROUTES, Handler>> = {
  submit,
  plan: async (call) =>
    json(await call.site.requests.plan(await readVmRequest(call), call.caller)),
  request: ({ site, caller, param }) =>
    json(site.requests.result(param("id"), caller)),
  follow: ({ site, caller, param }) => followSent(site, param("id"), caller),
  cancelRequest: async ({ site, caller, param }) =>
    json(await cancelRequest(site, caller, param("id"))),
  vms: ({ site, caller, url }) => listVms(site, caller, url),
  vm: async ({ site, caller, param }) => {
    const vm = await shownVm(site, caller, param("name"));
    return json(vmView(vm, site));
  },
  explain: async ({ site, caller, param }) => {
    const vm = await shownVm(site, caller, param("name"));
    return json(explain(vm, site.records));
  },
  console: openConsole,
};

/** The body of a request, once the node that it names is known. */
async function readVmRequest(
  { site, request, caller }: Call,
): Promise<VmRequest> {
  const body = await readBody(site.context.clock, request, VmRequest);
  requireVerb(caller, body.verb);
  if ("vmArgs" in body && Object.keys(body.vmArgs).length > 0) {
    throw new UsherError(
      "invalid_input",
      "Arguments of single VMs are set by plugins alone",
      { field: "vmArgs", hint: "give args, or ask for one VM at a time" },
    );
  }
  const named = "on" in body ? body.on : "to" in body ? body.to : undefined;
  if (named !== undefined && site.records.nodes.latest(named) === undefined) {
    throw site.nodes.unknown(named);
  }
  const { name_suffix: suffix } = site.config;
  const names = body.names.map((name) => withoutSuffix(name, suffix));
  return { ...body, names };
}

async function submit(call: Call): Promise<Response> {
  const { site, url, caller } = call;
  const body = await readVmRequest(call);
  return url.searchParams.get("follow") === "1"
    ? await submitAndFollow(site, body, caller)
    : json(await site.requests.submit(body, caller));
}

function resolved(site: Call["site"], caller: Call["caller"], name: string) {
  const resolver = new NameResolver(site.records, caller);
  const plain = withoutSuffix(name, site.config.name_suffix);
  return { access: resolver.access, vm: resolver.one(plain) };
}

function openConsole({ site, request, url, caller, param }: Call): Response {
  requireVerb(caller, "console");
  const { access, vm } = resolved(site, caller, param("name"));
  access.requireControl(vm.name);
  if (
    vm.status.state !== "running" && vm.status.state !== "paused" &&
    vm.status.state !== "starting"
  ) {
    const { state, reason } = vm.status;
    throw new UsherError(
      "wrong_state",
      `VM "${vm.name}" has no console: it is ${state}${
        reason === "" ? "" : ` (${reason})`
      }`,
      { hint: `usher vm start ${vm.name}`, subject: vm.name },
    );
  }
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new UsherError("invalid_input", "A console needs a WebSocket");
  }
  const history = Number(url.searchParams.get("history") ?? DEFAULT_HISTORY);
  const { socket, response } = upgradeWebSocket(request);
  const underWay = site.connections.enter(caller);
  const right = new ConsoleRight(site, caller, access, vm.name);
  void site.consoles.serve(
    socket,
    vm,
    Math.min(MAX_HISTORY, Math.max(0, Math.floor(history) || 0)),
    right,
  ).finally(() => {
    right[Symbol.dispose]();
    underWay[Symbol.dispose]();
  });
  return response;
}
