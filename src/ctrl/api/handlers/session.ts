/**
 * Who one is, and what the controller is, as routes.
 *
 * @module
 */
import { noteError } from "../../audit/noted.ts";
import { whoOf, whyOf } from "../../audit/sink.ts";
import { openapi } from "../../../schema/openapi.ts";
import { LoginRequest } from "../../../schema/request.ts";
import type { SESSION_ROUTES } from "../../../schema/route/session.ts";
import { EXTENSIONS } from "../extensions.ts";
import { type Call, type Handler, json } from "../handler.ts";
import { readBody } from "../http.ts";
import { endSession, listSessions } from "../sessions.ts";

/** Handlers of sessions and of the controller itself. */
export const SESSION_HANDLERS: Readonly<
  Record<keyof typeof SESSION_ROUTES, Handler>
> = {
  version: ({ site }) =>
    json({ version: site.version, extensions: EXTENSIONS }),
  ca: ({ site }) => json(site.ca),
  openapi: ({ site, url }) => {
    const is30 = url.searchParams.get("version") === "3.0";
    return json(openapi(site.version, is30 ? "3.0" : "3.1"));
  },
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
      token: caller.scope === undefined ? null : {
        name: caller.scope.tokenName,
        scope: {
          access: caller.scope.access,
          verbs: caller.scope.verbs,
          vms: caller.scope.vms,
        },
      },
    }),
  sessions: ({ site, caller, url }) =>
    json({
      sessions: listSessions(site, caller, url.searchParams.get("user")),
    }),
  endSession: async ({ site, caller, param }) =>
    json(await endSession(site, caller, param("id"))),
};

const LOGGED_IN = { verb: "login", names: [], decision: "allowed" as const };

async function login({ site, request, address }: Call): Promise<Response> {
  const { user, password } = await readBody(
    site.context.clock,
    request,
    LoginRequest,
  );
  const { audit } = site;
  const asked = { user, via: "client" as const, address, verb: "login" };
  const opened = await site.accounts.login(
    user,
    password,
    address,
    site.config.session_ttl,
  ).catch((error) => {
    audit.note({ ...asked, names: [], ...whyOf(error) });
    noteError(error);
    throw error;
  });
  const { token, caller } = opened;
  audit.note({ ...whoOf({ ...caller, address }), ...LOGGED_IN });
  // A session that nobody has the token of yet does no harm without its record.
  await audit.durable();
  return json({
    token,
    user: caller.user,
    role: caller.role,
    expiresAt: caller.expiresAt,
  });
}
