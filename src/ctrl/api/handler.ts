/**
 * What answers one route: a call with its caller, and what is done with it.
 *
 * Each noun has a table of handlers of its own; `app.ts` joins them, and the
 * compiler sees that no route is without one.
 *
 * @module
 */
import type { Caller } from "../auth/caller.ts";
import type { Site } from "../site.ts";

/** One call of a route, once it is known who calls. */
export interface Call {
  readonly site: Site;
  readonly request: Request;
  readonly url: URL;
  readonly caller: Caller;
  /** Where the connection came from. */
  readonly address: string;
  /** What the path gives for a name in its braces; empty without it. */
  param(name: string): string;
}

/** Answers one route. What it throws becomes a problem document. */
export type Handler = (call: Call) => Promise<Response> | Response;

/** An answer of JSON. */
export function json(value: unknown): Response {
  return new Response(JSON.stringify(value), {
    headers: { "content-type": "application/json" },
  });
}
