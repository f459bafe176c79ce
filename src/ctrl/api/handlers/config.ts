/**
 * The configuration of the controller, as routes.
 *
 * @module
 */
import type { CONFIG_ROUTES } from "../../../schema/route/config.ts";
import { ReloadRequest } from "../../../schema/plugin_life.ts";
import { type Handler, json } from "../handler.ts";
import { readBody } from "../http.ts";

/** Handlers of the configuration. */
export const CONFIG_HANDLERS: Readonly<
  Record<keyof typeof CONFIG_ROUTES, Handler>
> = {
  reloadConfig: async ({ site, caller, request }) => {
    const { clock } = site.context;
    const { check } = await readBody(clock, request, ReloadRequest);
    return json(await site.configuration.reload(check, caller.user));
  },
};
