/**
 * The API as a table: the controller serves it, clients call it, and the
 * OpenAPI document is made from it.
 *
 * `access` says who may call at all: `public` needs no login, `viewer` any
 * session, `user` one that may change its own VMs, `admin` an administrator.
 *
 * @module
 */
import { CLUSTER_ROUTES } from "./route/cluster.ts";
import { AUDIT_ROUTES } from "./route/audit.ts";
import { CONFIG_ROUTES } from "./route/config.ts";
import type { Route } from "./route/kind.ts";
import { NODE_ROUTES } from "./route/node.ts";
import { OPERATION_ROUTES } from "./route/operation.ts";
import { PLUGIN_ROUTES } from "./route/plugin.ts";
import { QUOTA_ROUTES } from "./route/quota.ts";
import { SESSION_ROUTES } from "./route/session.ts";
import { SITE_ROUTES } from "./route/site.ts";
import { USER_ROUTES } from "./route/user.ts";
import { VM_ROUTES } from "./route/vm.ts";

export type { Access, Route } from "./route/kind.ts";
export { DeadAnswer, NodeTokenAnswer } from "./route/node.ts";
export { CaAnswer, LoginAnswer, Version, Whoami } from "./route/session.ts";

/** Every route of the API, by name. */
export const ROUTES = {
  ...SESSION_ROUTES,
  ...USER_ROUTES,
  ...VM_ROUTES,
  ...CLUSTER_ROUTES,
  ...QUOTA_ROUTES,
  ...NODE_ROUTES,
  ...OPERATION_ROUTES,
  ...PLUGIN_ROUTES,
  ...CONFIG_ROUTES,
  ...SITE_ROUTES,
  ...AUDIT_ROUTES,
} as const satisfies Readonly<Record<string, Route>>;

/** The name of a route. */
export type RouteName = keyof typeof ROUTES;
