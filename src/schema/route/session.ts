/**
 * Who one is, and what the controller is.
 *
 * @module
 */
import { z } from "zod";
import { SessionView } from "../account.ts";
import { LoginRequest } from "../request.ts";
import { TokenScope } from "../token_scope.ts";
import type { Route } from "./kind.ts";

/** Who a session is. */
export const Whoami = z.object({
  user: z.string(),
  role: z.enum(["admin", "user", "viewer"]),
  expiresAt: z.string(),
  version: z.string(),
  site: z.string(),
  /** The API token that asks, and what it is for; null for a session. */
  token: z.object({ name: z.string(), scope: TokenScope }).nullable(),
});
/** Who a session is. */
export type Whoami = z.infer<typeof Whoami>;

/** What a controller is. */
export const Version = z.object({
  version: z.string(),
  /** Named additions to the API; clients test for these, not for versions. */
  extensions: z.array(z.string()),
});
/** What a controller is. */
export type Version = z.infer<typeof Version>;

/** A new session; its token is shown only here. */
export const LoginAnswer = z.object({
  token: z.string(),
  user: z.string(),
  role: z.enum(["admin", "user", "viewer"]),
  expiresAt: z.string(),
});
/** A new session; its token is shown only here. */
export type LoginAnswer = z.infer<typeof LoginAnswer>;

/** The certificate authority of a site, and its SHA-256. */
export const CaAnswer = z.object({ pem: z.string(), fingerprint: z.string() });

/** Who one is, and what the controller is. */
export const SESSION_ROUTES = {
  version: {
    method: "GET",
    path: "/v1/version",
    access: "public",
    summary: "What this controller is",
    response: Version,
  },
  ca: {
    method: "GET",
    path: "/v1/ca",
    access: "public",
    summary: "The certificate authority of the site",
    response: CaAnswer,
  },
  openapi: {
    method: "GET",
    path: "/v1/openapi.json",
    access: "public",
    summary: "This document",
    query: { version: "3.0 for tools that know no later OpenAPI" },
    response: z.unknown(),
  },
  login: {
    method: "POST",
    path: "/v1/login",
    access: "public",
    summary: "Exchange a password for a session token",
    request: LoginRequest,
    response: LoginAnswer,
  },
  logout: {
    method: "POST",
    path: "/v1/logout",
    access: "viewer",
    summary: "End this session",
    response: z.object({}),
  },
  whoami: {
    method: "GET",
    path: "/v1/whoami",
    access: "viewer",
    summary: "Who this session is",
    response: Whoami,
  },
  sessions: {
    method: "GET",
    path: "/v1/sessions",
    access: "viewer",
    whose: "one's own; an administrator anybody's",
    token: "never",
    summary: "Sessions that go on: who has logged in, from where, until when",
    query: { user: "only those of this user" },
    response: z.object({ sessions: z.array(SessionView) }),
  },
  endSession: {
    method: "DELETE",
    path: "/v1/sessions/{id}",
    access: "viewer",
    whose: "one's own; an administrator anybody's",
    summary: "End a session, and what goes on with it, at once",
    response: SessionView,
  },
} as const satisfies Readonly<Record<string, Route>>;
