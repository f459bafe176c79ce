/**
 * The configuration of the controller; for administrators.
 *
 * @module
 */
import { ConfigReloadAnswer } from "../config_reload.ts";
import { ReloadRequest } from "../plugin_life.ts";
import type { Route } from "./kind.ts";

/** The configuration of the controller. */
export const CONFIG_ROUTES = {
  reloadConfig: {
    method: "POST",
    path: "/v1/config/reload",
    access: "admin",
    summary:
      "Read the controller's configuration anew: what can change while it runs is taken, or nothing when anything is wrong, and what needs a restart is told",
    request: ReloadRequest,
    response: ConfigReloadAnswer,
  },
} as const satisfies Readonly<Record<string, Route>>;
