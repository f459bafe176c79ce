/**
 * The whole site: its stored state, what changes, and what can be asked of it.
 *
 * @module
 */
import { z } from "zod";
import { WatchFrame } from "../change.ts";
import { StateLine } from "../stored.ts";
import type { Route } from "./kind.ts";

/** The whole site: its stored state, and what changes. */
export const SITE_ROUTES = {
  state: {
    method: "GET",
    path: "/v1/state",
    access: "admin",
    whose: "the owner of the state directory alone",
    summary:
      "The whole stored state of one moment; for the owner of the state directory alone",
    response: StateLine,
    stream: "ndjson",
  },
  watch: {
    method: "GET",
    path: "/v1/watch",
    access: "viewer",
    whose: "what one sees",
    summary: "A snapshot, then every change",
    query: {
      since:
        "the last revision seen; changes after it, or a snapshot when they are gone",
      kinds:
        "vm, node, operation, node-operation, separated by commas; all by default",
      snapshot: "0 skips the snapshot",
    },
    response: WatchFrame,
    stream: "ndjson",
  },
  docs: {
    method: "GET",
    path: "/docs",
    access: "public",
    summary: "This API as a page for people",
    response: z.string(),
    isPage: true,
  },
} as const satisfies Readonly<Record<string, Route>>;
