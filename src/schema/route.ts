/**
 * The API as a table: the controller serves it, clients call it, and the
 * OpenAPI document is made from it.
 *
 * `access` says who may call at all: `public` needs no login, `viewer` any
 * session, `user` one that may change its own VMs, `admin` an administrator.
 *
 * @module
 */
import { z } from "zod";
import { FollowFrame, NodeView, VmView, WatchFrame } from "./change.ts";
import { Explanation } from "./explanation.ts";
import { Plan } from "./plan.ts";
import {
  DrainPlan,
  DrainRequest,
  NodeOperation,
  NodeOperationView,
  UndrainAnswer,
} from "./node_operation.ts";
import {
  CancelledRequest,
  Operation,
  OperationView,
  Result,
} from "./operation.ts";
import { StateLine } from "./stored.ts";
import { LoginRequest, NodeTokenRequest, VmRequest } from "./request.ts";

/** Who may call a route at all. */
export type Access = "public" | "viewer" | "user" | "admin";

/** One line of the API. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** Path with parameters in braces, as OpenAPI writes them. */
  readonly path: string;
  readonly access: Access;
  readonly summary: string;
  /** Query parameters: name to what it means. */
  readonly query?: Readonly<Record<string, string>>;
  readonly request?: z.ZodType;
  readonly response: z.ZodType;
  /** `ndjson` answers are streams of `response`, one a line. */
  readonly stream?: "ndjson" | "websocket";
  /** What is streamed instead, one a line, when the query asks for it. */
  readonly lines?: z.ZodType;
}

/** Who a session is. */
export const Whoami = z.object({
  user: z.string(),
  role: z.enum(["admin", "user", "viewer"]),
  expiresAt: z.string(),
  version: z.string(),
  site: z.string(),
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

/** A join token; shown only here. */
export const NodeTokenAnswer = z.object({
  token: z.string(),
  expiresAt: z.string(),
});
/** A join token; shown only here. */
export type NodeTokenAnswer = z.infer<typeof NodeTokenAnswer>;

/** What came of declaring a node dead. */
export const DeadAnswer = z.object({
  /** False when it was dead already. */
  changed: z.boolean(),
  /** VMs that count as crashed since, by name. */
  crashed: z.array(z.string()),
});
/** What came of declaring a node dead. */
export type DeadAnswer = z.infer<typeof DeadAnswer>;

export const CaAnswer = z.object({ pem: z.string(), fingerprint: z.string() });

const FILTER =
  "conditions that all must hold, such as node=n3,state=running; values may be globs";

export const ROUTES = {
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
  submit: {
    method: "POST",
    path: "/v1/requests",
    access: "user",
    summary:
      "Ask something for a list of VMs; with follow=1 the answer streams until all are done",
    query: { follow: "1 streams progress, then the result" },
    request: VmRequest,
    response: Result,
    lines: FollowFrame,
  },
  plan: {
    method: "POST",
    path: "/v1/plans",
    access: "user",
    summary: "What a request would do now, without doing it",
    request: VmRequest,
    response: Plan,
  },
  request: {
    method: "GET",
    path: "/v1/requests/{id}",
    access: "viewer",
    summary: "The result of a request so far",
    response: Result,
  },
  follow: {
    method: "GET",
    path: "/v1/requests/{id}/follow",
    access: "viewer",
    summary: "Progress of a request until all its operations are done",
    response: FollowFrame,
    stream: "ndjson",
  },
  vms: {
    method: "GET",
    path: "/v1/vms",
    access: "viewer",
    summary: "VMs that the caller may see",
    query: {
      names: "names, globs or id prefixes, separated by commas",
      filter: FILTER,
      stream: "1 answers one VM a line instead of one object",
      fields: "`name` answers names and states only",
    },
    response: z.object({ revision: z.int(), vms: z.array(VmView) }),
    lines: VmView,
  },
  vm: {
    method: "GET",
    path: "/v1/vms/{name}",
    access: "viewer",
    summary: "One VM by name or id prefix",
    response: VmView,
  },
  explain: {
    method: "GET",
    path: "/v1/vms/{name}/placement",
    access: "viewer",
    summary: "Why a VM is where it is, and what every other node lacks",
    response: Explanation,
  },
  console: {
    method: "GET",
    path: "/v1/vms/{name}/console",
    access: "user",
    summary: "The serial line: bytes in binary messages, control in text ones",
    query: { history: "bytes of what was printed before to begin with" },
    response: z.unknown(),
    stream: "websocket",
  },
  nodes: {
    method: "GET",
    path: "/v1/nodes",
    access: "viewer",
    summary: "Nodes of the site",
    response: z.object({ revision: z.int(), nodes: z.array(NodeView) }),
  },
  node: {
    method: "GET",
    path: "/v1/nodes/{name}",
    access: "viewer",
    summary: "One node",
    response: NodeView,
  },
  nodeToken: {
    method: "POST",
    path: "/v1/node-tokens",
    access: "admin",
    summary: "A token with which one node may join",
    request: NodeTokenRequest,
    response: NodeTokenAnswer,
  },
  declareDead: {
    method: "POST",
    path: "/v1/nodes/{name}/declare-dead",
    access: "admin",
    summary:
      "Say that a node that is not connected runs nothing any more, so that its VMs may start elsewhere",
    response: DeadAnswer,
  },
  drain: {
    method: "POST",
    path: "/v1/nodes/{name}/drain",
    access: "admin",
    summary:
      "Let a node take no more VMs, and move those it has elsewhere; the drain that is under way when there is one",
    request: DrainRequest,
    response: NodeOperationView,
  },
  drainPlan: {
    method: "POST",
    path: "/v1/nodes/{name}/drain/plan",
    access: "admin",
    summary: "Where a drain would move each VM of a node; nothing is done",
    request: DrainRequest,
    response: DrainPlan,
  },
  undrain: {
    method: "POST",
    path: "/v1/nodes/{name}/undrain",
    access: "admin",
    summary: "Let a node take VMs again; its drain stops",
    response: UndrainAnswer,
  },
  nodeOperations: {
    method: "GET",
    path: "/v1/node-operations",
    access: "viewer",
    summary: "Drains, newest first; for who may see all VMs",
    query: {
      filter: "conditions such as node=n2,state=running",
      limit: "how many at most, 100 by default",
    },
    response: z.object({ operations: z.array(NodeOperation) }),
  },
  nodeOperation: {
    method: "GET",
    path: "/v1/node-operations/{id}",
    access: "viewer",
    summary: "One drain by id or unique prefix, with what became of each VM",
    response: NodeOperationView,
  },
  cancelNodeOperation: {
    method: "POST",
    path: "/v1/node-operations/{id}/cancel",
    access: "admin",
    summary:
      "Stop a drain: VMs on their way go back as far as they can, and the node goes on to take none",
    response: NodeOperation,
  },
  operations: {
    method: "GET",
    path: "/v1/operations",
    access: "viewer",
    summary: "Operations, newest first",
    query: {
      filter: "conditions such as vm=web*,state=running,verb=start",
      limit: "how many at most, 100 by default",
    },
    response: z.object({ operations: z.array(Operation) }),
  },
  operation: {
    method: "GET",
    path: "/v1/operations/{id}",
    access: "viewer",
    summary: "One operation by id or unique prefix",
    response: OperationView,
  },
  cancelRequest: {
    method: "POST",
    path: "/v1/requests/{id}/cancel",
    access: "user",
    summary:
      "Ask all operations of a request to stop, those first that have not begun",
    response: CancelledRequest,
  },
  cancel: {
    method: "POST",
    path: "/v1/operations/{id}/cancel",
    access: "user",
    summary: "Ask an operation to stop at its next step and undo what it did",
    response: Operation,
  },
  state: {
    method: "GET",
    path: "/v1/state",
    access: "admin",
    summary:
      "The whole stored state of one moment; for the owner of the state directory alone",
    response: StateLine,
    stream: "ndjson",
  },
  watch: {
    method: "GET",
    path: "/v1/watch",
    access: "viewer",
    summary: "A snapshot, then every change",
    query: {
      since:
        "the last revision seen; changes after it, or a snapshot when they are gone",
      kinds:
        "vm, node, operation, node-operation, separated by commas; all by default",
      snapshot: "0 skips the snapshot",
    },
    response: WatchFrame,
    stream: "ndjson",
  },
} as const satisfies Readonly<Record<string, Route>>;

/** The name of a route. */
export type RouteName = keyof typeof ROUTES;
