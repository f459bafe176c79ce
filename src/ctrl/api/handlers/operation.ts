/**
 * Operations, as routes.
 *
 * @module
 */
import type { OPERATION_ROUTES } from "../../../schema/route/operation.ts";
import { type Handler, json } from "../handler.ts";
import {
  cancelOperation,
  listOperations,
  showOperation,
} from "../operations.ts";

/** Handlers of operations. */
export const OPERATION_HANDLERS: Readonly<
  Record<keyof typeof OPERATION_ROUTES, Handler>
> = {
  operations: ({ site, caller, url }) =>
    json({ operations: listOperations(site, caller, url) }),
  operation: ({ site, caller, param }) =>
    json(showOperation(site, caller, param("id"))),
  cancel: async ({ site, caller, param }) =>
    json(await cancelOperation(site, caller, param("id"))),
};
