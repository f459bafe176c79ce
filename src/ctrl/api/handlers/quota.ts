/**
 * Quotas, as routes.
 *
 * @module
 */
import { SetQuotaRequest } from "../../../schema/quota.ts";
import type { QUOTA_ROUTES } from "../../../schema/route/quota.ts";
import { QuotaDesk } from "../../clusters/quota_desk.ts";
import { type Handler, json } from "../handler.ts";
import { readBody } from "../http.ts";

/** Handlers of quotas. */
export const QUOTA_HANDLERS: Readonly<
  Record<keyof typeof QUOTA_ROUTES, Handler>
> = {
  quotas: ({ site, caller }) =>
    json({ quotas: new QuotaDesk(site, caller).list() }),
  quota: ({ site, caller, param }) =>
    json(new QuotaDesk(site, caller).show(param("subject"))),
  setQuota: async ({ site, caller, param, request }) => {
    const asked = await readBody(site.context.clock, request, SetQuotaRequest);
    return json(await new QuotaDesk(site, caller).set(param("subject"), asked));
  },
};
