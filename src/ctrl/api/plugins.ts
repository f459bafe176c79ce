/**
 * Plugins as administrators see them over the API.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { ReloadRequest, ShadowRequest } from "../../schema/plugin_life.ts";
import type { RecordedLine } from "../../schema/recorded_event.ts";
import type { Caller } from "../auth/caller.ts";
import type { Site } from "../site.ts";
import { readBody } from "./http.ts";

/** Reads everything anew. Throws what is wrong with it, and then nothing has changed. */
export async function reloadPlugins(
  { configuration, context }: Site,
  caller: Caller,
  request: Request,
) {
  const { check } = await readBody(context.clock, request, ReloadRequest);
  return await configuration.reloadPlugins(check, caller.user);
}

/** Runs a version beside a plugin. Throws `not_found`, and what is wrong with it. */
export async function shadowPlugin(
  { plugins, context }: Site,
  caller: Caller,
  name: string,
  request: Request,
) {
  const asked = await readBody(context.clock, request, ShadowRequest);
  return await plugins.shadow(name, asked, caller.user);
}

/** What was recorded since a moment. Throws `invalid_input` for what is none. */
export function recordedEvents(
  { plugins }: Site,
  url: URL,
): (signal: AbortSignal) => AsyncIterable<RecordedLine> {
  const asked = url.searchParams.get("since");
  const since = asked === null ? 0 : Date.parse(asked);
  if (Number.isNaN(since)) {
    throw new UsherError(
      "invalid_input",
      `"${asked}" is no moment`,
      { field: "since", hint: "write it as 2026-12-31T23:00:00Z" },
    );
  }
  return (signal) => plugins.recorded(since, signal);
}
