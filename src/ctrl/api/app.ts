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
import { NOTICE_HEADER } from "../../schema/notice.ts";
import { type RouteName, ROUTES } from "../../schema/route.ts";
import type { Caller } from "../auth/caller.ts";
import type { Site } from "../site.ts";
import { AuditedCall } from "./audited.ts";
import type { Handler } from "./handler.ts";
import { CLUSTER_HANDLERS } from "./handlers/cluster.ts";
import { AUDIT_HANDLERS } from "./handlers/audit.ts";
import { CONFIG_HANDLERS } from "./handlers/config.ts";
import { NODE_HANDLERS } from "./handlers/node.ts";
import { OPERATION_HANDLERS } from "./handlers/operation.ts";
import { PLUGIN_HANDLERS } from "./handlers/plugin.ts";
import { QUOTA_HANDLERS } from "./handlers/quota.ts";
import { SESSION_HANDLERS } from "./handlers/session.ts";
import { SITE_HANDLERS } from "./handlers/site.ts";
import { USER_HANDLERS } from "./handlers/user.ts";
import { VM_HANDLERS } from "./handlers/vm.ts";
import { callerFor, problemResponse } from "./http.ts";

/** What is known of the connection that a request came over. */
export interface Connection {
  readonly address: string;
}

const NOBODY: Caller = { user: "", role: "viewer", expiresAt: "", session: "" };

const HANDLERS: Readonly<Record<RouteName, Handler>> = {
  ...SESSION_HANDLERS,
  ...USER_HANDLERS,
  ...VM_HANDLERS,
  ...CLUSTER_HANDLERS,
  ...QUOTA_HANDLERS,
  ...NODE_HANDLERS,
  ...OPERATION_HANDLERS,
  ...PLUGIN_HANDLERS,
  ...CONFIG_HANDLERS,
  ...SITE_HANDLERS,
  ...AUDIT_HANDLERS,
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
        hint: "GET /docs shows this API, GET /v1/openapi.json to programs",
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
  const param = (key: string) => context.req.param(key) ?? "";
  const audited = new AuditedCall(site.audit, {
    route: name,
    request,
    address,
    subject: param("name") || param("id") || param("subject"),
    reads: site.config.audit.reads,
  });
  try {
    const caller = route.access === "public"
      ? NOBODY
      : { ...callerFor(site, request, route), address };
    if (route.access !== "public") audited.admitted();
    using _underWay = route.access === "public"
      ? null
      : site.connections.enter(caller, address);
    const url = new URL(request.url);
    const call = { site, request, url, caller, address, param };
    return withNotices(await HANDLERS[name](call), site);
  } catch (error) {
    audited.failed(error);
    throw error;
  }
}

/** What is about to go wrong is said with every answer, whatever was asked. */
function withNotices(response: Response, { notices }: Site): Response {
  const now = notices();
  if (now.length > 0 && response.status !== 101) {
    const text = encodeURIComponent(JSON.stringify(now));
    response.headers.set(NOTICE_HEADER, text);
  }
  return response;
}
