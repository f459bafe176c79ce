/**
 * The audit log; for administrators.
 *
 * @module
 */
import { AuditHead, AuditLine } from "../audit.ts";
import type { Route } from "./kind.ts";

/** The audit log. */
export const AUDIT_ROUTES = {
  audit: {
    method: "GET",
    path: "/v1/audit",
    access: "admin",
    summary: "Records of the audit log, oldest first",
    query: {
      user: "of this user alone",
      verb: "of this verb alone, or of this route",
      vm: "that name this VM, or begin with it and a dot",
      decision: "allowed, refused, failed or told",
      since: "no older ones: a moment, ISO 8601",
      until: "no newer ones: a moment, ISO 8601",
      limit: "the newest so many; all by default",
      follow: "1 goes on with new ones, with a beat every few seconds",
      after:
        "of a stream that is followed: the number of the last record that was read, instead of the limit",
    },
    response: AuditLine,
    stream: "ndjson",
  },
  auditHead: {
    method: "GET",
    path: "/v1/audit/head",
    access: "admin",
    summary: "The two ends of the audit log, with their hashes",
    response: AuditHead,
  },
} as const satisfies Readonly<Record<string, Route>>;
