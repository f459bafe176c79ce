/**
 * The audit log, as routes.
 *
 * @module
 */
import type { AUDIT_ROUTES } from "../../../schema/route/audit.ts";
import { auditRecords } from "../audit.ts";
import { callerStream } from "../caller_stream.ts";
import { type Handler, json } from "../handler.ts";

/** Handlers of the audit log. */
export const AUDIT_HANDLERS: Readonly<
  Record<keyof typeof AUDIT_ROUTES, Handler>
> = {
  audit: ({ site, caller, url }) =>
    callerStream(site, caller, auditRecords(site, caller, url)),
  auditHead: async ({ site }) => {
    await site.audit.durable();
    return json(site.audit.ends);
  },
};
