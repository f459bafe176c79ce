/**
 * Operations: what requests become for each VM.
 *
 * @module
 */
import { z } from "zod";
import { Operation, OperationView } from "../operation.ts";
import type { Route } from "./kind.ts";

/** Operations: what requests become for each VM. */
export const OPERATION_ROUTES = {
  operations: {
    method: "GET",
    path: "/v1/operations",
    access: "viewer",
    whose: "what one sees",
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
    whose: "what one sees",
    summary: "One operation by id or unique prefix",
    response: OperationView,
  },
  cancel: {
    method: "POST",
    path: "/v1/operations/{id}/cancel",
    access: "user",
    whose: "one's own, and on what one controls",
    token: "verb",
    summary: "Ask an operation to stop at its next step and undo what it did",
    response: Operation,
  },
} as const satisfies Readonly<Record<string, Route>>;
