/**
 * Quotas: how much users and clusters may have.
 *
 * @module
 */
import { z } from "zod";
import { QuotaView, SetQuotaRequest } from "../quota.ts";
import type { Route } from "./kind.ts";

/** Quotas of users and clusters. */
export const QUOTA_ROUTES = {
  quotas: {
    method: "GET",
    path: "/v1/quotas",
    access: "viewer",
    whose: "what one sees",
    summary:
      "What users and clusters may have and use, as far as the caller may see",
    response: z.object({ quotas: z.array(QuotaView) }),
  },
  quota: {
    method: "GET",
    path: "/v1/quotas/{subject}",
    access: "viewer",
    whose: "what one sees",
    summary: "The quota of a user, or of a cluster as `cluster.user`",
    response: QuotaView,
  },
  setQuota: {
    method: "POST",
    path: "/v1/quotas/{subject}",
    access: "admin",
    summary:
      "Set limits of a user or a cluster: a number, null for none, `default` for the configuration's",
    request: SetQuotaRequest,
    response: QuotaView,
  },
} as const satisfies Readonly<Record<string, Route>>;
