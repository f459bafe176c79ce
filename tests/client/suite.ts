/**
 * What the client library promises, as cases that run under Deno and under
 * Node against the same site.
 *
 * @module
 */
import { CONFIGURATION_CASES } from "./cases/configuration.ts";
import { CONSOLE_CASES } from "./cases/console.ts";
import { LIVE_CASES } from "./cases/live.ts";
import { REQUEST_CASES } from "./cases/request.ts";
import { SESSION_CASES } from "./cases/session.ts";
import type { Case } from "./suite_site.ts";

/** Every case, by what it says. */
export const CASES: Readonly<Record<string, Case>> = {
  ...SESSION_CASES,
  ...REQUEST_CASES,
  ...LIVE_CASES,
  ...CONSOLE_CASES,
  ...CONFIGURATION_CASES,
};
