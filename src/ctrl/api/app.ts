/**
 * The clients' API: every route of `schema/route.ts` with its handler.
 *
 * Handlers are thin: check what came, call the use-case, answer. The table
 * says who may call; a route cannot be served without standing there.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { UsherError } from "../../error/mod.ts";
import { openapi } from "../../schema/openapi.ts";
import {
  LoginRequest,
  NodeTokenRequest,
  VmRequest,
} from "../../schema/request.ts";
import { type RouteName, ROUTES } from "../../schema/route.ts";
import { upgradeWebSocket } from "../../sys/websocket.ts";
import type { Caller } from "../auth/accounts.ts";
import { explain } from "../requests/explanations.ts";
import { NameResolver } from "../requests/names.ts";
import { encodeJoinToken } from "../../schema/join_token.ts";
import { declareDead } from "../nodes/declare_dead.ts";
import type { Site } from "../site.ts";
import { vmView } from "../views.ts";
import { callerStream } from "./caller_stream.ts";
import {
  beginDrain,
  cancelDrain,
  listDrains,
  planDrain,
  showDrain,
} from "./drains.ts";
import { callerFor, problemResponse, readBody } from "./http.ts";
import { listNodes, shownNode } from "./nodes.ts";
import {
  cancelOperation,
  cancelRequest,
  listOperations,
  showOperation,
} from "./operations.ts";
import {
  pluginLogs,
  recordedEvents,
  reloadPlugins,
  shadowPlugin,
} from "./plugins.ts";
import { sightOf } from "./sight.ts";
import { stateLines } from "./state.ts";
import { followSent, submitAndFollow } from "./submit.ts";
import { listVms, shownVm } from "./vms.ts";
import { watch, watchQuery } from "./watch.ts";

/** Named additions to the API since its first version; append only. */
export const EXTENSIONS: readonly string[] = [
  "console",
  "follow",
  "watch",
  "node-operations",
  "plugins",
];

/** What is known of the connection that a request came over. */
export interface Connection {
  readonly address: string;
}

interface Call {
  readonly site: Site;
  readonly request: Request;
  readonly url: URL;
  readonly caller: Caller;
  readonly address: string;
  param(name: string): string;
}

/** Bytes of what a console printed before that are shown at first, and at most. */
const DEFAULT_HISTORY = 64 * 1024;
const MAX_HISTORY = 16 * 1024 * 1024;

type Handler = (call: Call) => Promise<Response> | Response;

const NOBODY: Caller = { user: "", role: "viewer", expiresAt: "", session: "" };

const HANDLERS: Readonly<Record<RouteName, Handler>> = {
  version: ({ site }) =>
    json({ version: site.version, extensions: EXTENSIONS }),
  ca: ({ site }) => json(site.ca),
  openapi: ({ site }) => json(openapi(site.version)),
  login,
  logout: async ({ site, caller }) => {
    await site.accounts.logout(caller);
    return json({});
  },
  whoami: ({ site, caller }) =>
    json({
      user: caller.user,
      role: caller.role,
      expiresAt: caller.expiresAt,
      version: site.version,
      site: site.ca.fingerprint,
    }),
  submit,
  plan: async (call) =>
    json(await call.site.requests.plan(await readVmRequest(call), call.caller)),
  request: ({ site, caller, param }) =>
    json(site.requests.result(param("id"), caller)),
  follow: ({ site, caller, param }) => followSent(site, param("id"), caller),
  vms: ({ site, caller, url }) => listVms(site, caller, url),
  vm: async ({ site, caller, param }) => {
    const vm = await shownVm(site, caller, param("name"));
    return json(vmView(vm, site.links, site.runner));
  },
  explain: async ({ site, caller, param }) => {
    const vm = await shownVm(site, caller, param("name"));
    return json(explain(vm, site.records));
  },
  console: openConsole,
  nodes: async ({ site, caller }) => json(await listNodes(site, caller)),
  node: async ({ site, caller, param }) =>
    json(await shownNode(site, caller, param("name"))),
  nodeToken: async ({ site, request }) => {
    const { node, ttlMs } = await readBody(
      site.context.clock,
      request,
      NodeTokenRequest,
    );
    const { secret, expiresAt } = await site.nodes.newToken(
      node ?? null,
      ttlMs,
    );
    return json({
      token: encodeJoinToken({ url: site.nodesUrl, ca: site.ca.pem, secret }),
      expiresAt,
    });
  },
  declareDead: async ({ site, caller, param }) =>
    json(await declareDead(site, param("name"), caller.user)),
  drain: async ({ site, caller, param, request }) =>
    json(await beginDrain(site, caller, param("name"), request)),
  drainPlan: async ({ site, param, request }) =>
    json(await planDrain(site, param("name"), request)),
  undrain: async ({ site, caller, param }) =>
    json(await site.drains.undrain(param("name"), caller)),
  nodeOperations: ({ site, caller, url }) =>
    json({ operations: listDrains(site, caller, url) }),
  nodeOperation: ({ site, caller, param }) =>
    json(showDrain(site, caller, param("id"))),
  cancelNodeOperation: async ({ site, caller, param }) =>
    json(await cancelDrain(site, caller, param("id"))),
  operations: ({ site, caller, url }) =>
    json({ operations: listOperations(site, caller, url) }),
  operation: ({ site, caller, param }) =>
    json(showOperation(site, caller, param("id"))),
  cancel: async ({ site, caller, param }) =>
    json(await cancelOperation(site, caller, param("id"))),
  cancelRequest: async ({ site, caller, param }) =>
    json(await cancelRequest(site, caller, param("id"))),
  plugins: ({ site }) => json({ plugins: site.plugins.list() }),
  plugin: ({ site, param }) => json(site.plugins.show(param("name"))),
  enablePlugin: async ({ site, caller, param }) =>
    json(await site.plugins.turn(param("name"), true, caller.user)),
  disablePlugin: async ({ site, caller, param }) =>
    json(await site.plugins.turn(param("name"), false, caller.user)),
  forgetPlugin: async ({ site, caller, param }) =>
    json(await site.plugins.forget(param("name"), caller.user)),
  shadowPlugin: async ({ site, caller, param, request }) =>
    json(await shadowPlugin(site, caller, param("name"), request)),
  reloadPlugins: async ({ site, caller, request }) =>
    json(await reloadPlugins(site, caller, request)),
  pluginLogs: ({ site, caller, param, url }) =>
    callerStream(site, caller, pluginLogs(site, param("name"), url)),
  recordedEvents: ({ site, caller, url }) =>
    callerStream(site, caller, recordedEvents(site, url)),
  state: ({ site, caller }) =>
    callerStream(site, caller, () => stateLines(site, caller)),
  watch: async ({ site, caller, url }) => {
    const query = watchQuery(url);
    const sight = await sightOf(site, caller, query);
    const lines = (signal: AbortSignal) =>
      watch(site, caller, { query, sight }, signal);
    return callerStream(site, caller, lines);
  },
};

/** The app; `handle` answers one request. */
export function clientsApi(
  site: Site,
): (request: Request, connection: Connection) => Promise<Response> {
  const app = new Hono();
  for (const [name, route] of Object.entries(ROUTES)) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.on(
      route.method,
      path,
      (context) => answer(site, name as RouteName, context),
    );
  }
  app.notFound((context) => {
    const error = new UsherError(
      "not_found",
      `There is no ${context.req.method} ${context.req.path} here`,
      {
        hint: "GET /v1/openapi.json describes this API",
      },
    );
    return problemResponse(site, error, context);
  });
  app.onError((error, context) => problemResponse(site, error, context));
  return async (request, connection) => await app.fetch(request, connection);
}

async function answer(
  site: Site,
  name: RouteName,
  context: Context,
): Promise<Response> {
  const route = ROUTES[name];
  const request = context.req.raw;
  const { address } = context.env as Connection;
  const caller = route.access === "public"
    ? NOBODY
    : callerFor(site, request, route.access);
  using _underWay = route.access === "public"
    ? null
    : site.connections.enter(caller, address);
  return await HANDLERS[name]({
    site,
    request,
    url: new URL(request.url),
    caller,
    address,
    param: (key) => context.req.param(key) ?? "",
  });
}

function json(value: unknown): Response {
  return new Response(JSON.stringify(value), {
    headers: { "content-type": "application/json" },
  });
}

async function login({ site, request, address }: Call): Promise<Response> {
  const { user, password } = await readBody(
    site.context.clock,
    request,
    LoginRequest,
  );
  const { token, caller } = await site.accounts.login(
    user,
    password,
    address,
    site.config.session_ttl,
  );
  return json({
    token,
    user: caller.user,
    role: caller.role,
    expiresAt: caller.expiresAt,
  });
}

/** The body of a request, once the node that it names is known. */
async function readVmRequest({ site, request }: Call): Promise<VmRequest> {
  const body = await readBody(site.context.clock, request, VmRequest);
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
  return body;
}

async function submit(call: Call): Promise<Response> {
  const { site, url, caller } = call;
  const body = await readVmRequest(call);
  return url.searchParams.get("follow") === "1"
    ? await submitAndFollow(site, body, caller)
    : json(await site.requests.submit(body, caller));
}

function openConsole({ site, request, url, caller, param }: Call): Response {
  const vm = new NameResolver(site.records, caller).one(param("name"));
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
  void site.consoles.serve(
    socket,
    vm,
    Math.min(MAX_HISTORY, Math.max(0, Math.floor(history) || 0)),
    () => site.accounts.isLive(caller),
  ).finally(() => underWay[Symbol.dispose]());
  return response;
}
