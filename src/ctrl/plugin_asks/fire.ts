/**
 * `fire`: an event of the plugin's own, handed to its chain.
 *
 * It is not waited for, since the chain may hold the very handler that fires:
 * what fires in turn goes one deeper, and ends where requests of plugins do.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Events } from "../../plugin/events.ts";
import { hashToken } from "../auth/accounts.ts";
import type { AnswersOf, By } from "./ask.ts";
import type { Paths } from "./path.ts";

/** Firings of one plugin that may be under way. */
const MAX_UNDER_WAY = 256;

/** What firing works with. */
export interface FireParts {
  readonly events: Events;
  readonly paths: Paths;
}

/** Answers `fire`. */
export function fireAnswers(
  { events, paths }: FireParts,
): AnswersOf<"fire"> {
  const underWay = new Map<string, number>();
  const count = (plugin: string, by: 1 | -1) => {
    const left = (underWay.get(plugin) ?? 0) + by;
    if (left > 0) underWay.set(plugin, left);
    else underWay.delete(plugin);
  };
  return {
    fire: ({ event, args }, by: By) => {
      const { grant, asking } = by;
      grant.requireEvent(event);
      paths.refuseTooDeep(asking, `fire ${event}`);
      if (asking.isReplay || !events.isHeard(event)) return null;
      if ((underWay.get(grant.plugin) ?? 0) >= MAX_UNDER_WAY) {
        throw new UsherError(
          "too_many_requests",
          `Plugin "${grant.plugin}" fires faster than its events are heard: ${MAX_UNDER_WAY} are under way`,
          { subject: event, hint: "fire less often" },
        );
      }
      count(grant.plugin, 1);
      const what = hashToken(JSON.stringify(args)).slice(0, 16);
      void events.fire(event, args, {
        decision: `${asking.decision}/${event}/${what}`,
        operation: asking.operation,
        depth: asking.depth + 1,
      }).catch(() => {}).finally(() => count(grant.plugin, -1));
      return null;
    },
  };
}
