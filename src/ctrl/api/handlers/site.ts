/**
 * The whole site, as routes: its stored state, and what changes.
 *
 * @module
 */
import type { SITE_ROUTES } from "../../../schema/route/site.ts";
import { openapi } from "../../../schema/openapi.ts";
import { callerStream } from "../caller_stream.ts";
import { docsPage, docsPolicy } from "../docs_page.ts";
import type { Handler } from "../handler.ts";
import { sightOf } from "../sight.ts";
import { stateLines } from "../state.ts";
import { watch } from "../watch.ts";
import { watchQuery } from "../watch_query.ts";

/** Handlers of the whole site. */
export const SITE_HANDLERS: Readonly<
  Record<keyof typeof SITE_ROUTES, Handler>
> = {
  state: ({ site, caller }) =>
    callerStream(site, caller, () => stateLines(site, caller)),
  watch: async ({ site, caller, url }) => {
    const query = watchQuery(url);
    const sight = await sightOf(site, caller, query);
    const lines = (signal: AbortSignal) =>
      watch(site, caller, { query, sight }, signal);
    return callerStream(site, caller, lines);
  },
  docs: ({ site }) =>
    new Response(docsPage(openapi(site.version)), {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": docsPolicy(),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      },
    }),
};
