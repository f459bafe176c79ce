/**
 * VMs, and requests for them.
 *
 * @module
 */
import { z } from "zod";
import { FollowFrame, VmView } from "../change.ts";
import { Explanation } from "../explanation.ts";
import { CancelledRequest, Result } from "../operation.ts";
import { Plan } from "../plan.ts";
import { VmRequest } from "../request.ts";
import type { Route } from "./kind.ts";

const FILTER =
  "conditions that all must hold, such as node=n3,state=running; values may be globs";

/** VMs, and requests for them. */
export const VM_ROUTES = {
  submit: {
    method: "POST",
    path: "/v1/requests",
    access: "user",
    whose: "what one controls",
    token: "verb",
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
    whose: "what one controls",
    token: "verb",
    summary: "What a request would do now, without doing it",
    request: VmRequest,
    response: Plan,
  },
  request: {
    method: "GET",
    path: "/v1/requests/{id}",
    access: "viewer",
    whose: "one's own; who sees all, all",
    summary: "The result of a request so far",
    response: Result,
  },
  follow: {
    method: "GET",
    path: "/v1/requests/{id}/follow",
    access: "viewer",
    whose: "one's own; who sees all, all",
    summary: "Progress of a request until all its operations are done",
    response: FollowFrame,
    stream: "ndjson",
  },
  cancelRequest: {
    method: "POST",
    path: "/v1/requests/{id}/cancel",
    access: "user",
    whose: "one's own; an administrator all",
    token: "verb",
    summary:
      "Ask all operations of a request to stop, those first that have not begun",
    response: CancelledRequest,
  },
  vms: {
    method: "GET",
    path: "/v1/vms",
    access: "viewer",
    whose: "what one sees",
    summary: "VMs that the caller may see",
    query: {
      names: "names, globs or id prefixes, separated by commas",
      filter: FILTER,
      stream: "1 answers one VM a line instead of one object",
      fields:
        "`name` answers names and states only; `row` state, node, vcpus and memory as well, as a table has them",
    },
    response: z.object({ revision: z.int(), vms: z.array(VmView) }),
    lines: VmView,
  },
  vm: {
    method: "GET",
    path: "/v1/vms/{name}",
    access: "viewer",
    whose: "what one sees",
    summary: "One VM by name or id prefix",
    response: VmView,
  },
  explain: {
    method: "GET",
    path: "/v1/vms/{name}/placement",
    access: "viewer",
    whose: "what one sees",
    summary: "Why a VM is where it is, and what every other node lacks",
    response: Explanation,
  },
  console: {
    method: "GET",
    path: "/v1/vms/{name}/console",
    access: "user",
    whose: "what one controls",
    token: "verb",
    summary: "The serial line: bytes in binary messages, control in text ones",
    query: { history: "bytes of what was printed before to begin with" },
    response: z.unknown(),
    stream: "websocket",
  },
} as const satisfies Readonly<Record<string, Route>>;
