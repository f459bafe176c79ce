/**
 * Accounts, and the API tokens that they own.
 *
 * @module
 */
import { z } from "zod";
import {
  CreateTokenAnswer,
  CreateTokenRequest,
  CreateUserRequest,
  SetPasswordRequest,
  SetRoleRequest,
  TokenView,
  UserView,
} from "../account.ts";
import type { Route } from "./kind.ts";

const OWN = "one's own; an administrator anybody's";

/** Accounts, and the API tokens that they own. */
export const USER_ROUTES = {
  users: {
    method: "GET",
    path: "/v1/users",
    access: "admin",
    summary: "Accounts; who comes from a directory has none",
    response: z.object({ users: z.array(UserView) }),
  },
  user: {
    method: "GET",
    path: "/v1/users/{name}",
    access: "viewer",
    whose: OWN,
    summary: "One account",
    response: UserView,
  },
  createUser: {
    method: "POST",
    path: "/v1/users",
    access: "admin",
    summary: "Make an account",
    request: CreateUserRequest,
    response: UserView,
  },
  setRole: {
    method: "POST",
    path: "/v1/users/{name}/role",
    access: "admin",
    summary:
      "Give an account another role; its streams end and may be begun again",
    request: SetRoleRequest,
    response: UserView,
  },
  setPassword: {
    method: "POST",
    path: "/v1/users/{name}/password",
    access: "viewer",
    whose: "one's own with the old one; an administrator anybody's",
    summary:
      "Give an account another password; its sessions end, but the one that asks",
    request: SetPasswordRequest,
    response: UserView,
  },
  disableUser: {
    method: "POST",
    path: "/v1/users/{name}/disable",
    access: "admin",
    summary:
      "Let nobody in by an account; its sessions and streams end at once, its tokens are good for nothing",
    response: UserView,
  },
  enableUser: {
    method: "POST",
    path: "/v1/users/{name}/enable",
    access: "admin",
    summary: "Let in by an account again",
    response: UserView,
  },
  deleteUser: {
    method: "DELETE",
    path: "/v1/users/{name}",
    access: "admin",
    summary: "Remove an account that owns no VMs, with its sessions and tokens",
    response: z.object({}),
  },
  tokens: {
    method: "GET",
    path: "/v1/tokens",
    access: "viewer",
    whose: OWN,
    token: "never",
    summary: "API tokens, without their secrets",
    query: { user: "only those of this account" },
    response: z.object({ tokens: z.array(TokenView) }),
  },
  createToken: {
    method: "POST",
    path: "/v1/tokens",
    access: "viewer",
    whose: OWN,
    summary: "Make an API token; it is told in this answer and never again",
    request: CreateTokenRequest,
    response: CreateTokenAnswer,
  },
  revokeToken: {
    method: "DELETE",
    path: "/v1/tokens/{id}",
    access: "viewer",
    whose: OWN,
    summary: "End an API token by its id or name, and what goes on with it",
    query: { user: "whose, where it is named; one's own by default" },
    response: TokenView,
  },
} as const satisfies Readonly<Record<string, Route>>;
