/**
 * `fire`: an event of the plugin's own, handed to its chain.
 *
 * Its chain is not waited for, so what it takes is no part of the call that
 * fires it. A circle of events that fire each other ends where it closes.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { type Events, firedBy } from "../../plugin/events.ts";
import { hashToken } from "../auth/accounts.ts";
import type { AnswersOf, By } from "./ask.ts";

/** Firings of one plugin that may be under way. */
const MAX_UNDER_WAY = 256;

/** What firing works with. */
export interface FireParts {
  readonly events: Pick<Events, "isHeard" | "fire">;
}

/** Answers `fire`. */
export function fireAnswers({ events }: FireParts): AnswersOf<"fire"> {
  const underWay = new Map<string, number>();
  const count = (plugin: string, by: 1 | -1) => {
    const left = (underWay.get(plugin) ?? 0) + by;
    if (left > 0) underWay.set(plugin, left);
    else underWay.delete(plugin);
  };
  return {
    fire: async ({ event, args }, { grant, asking }: By) => {
      const { plugin } = grant;
      grant.requireEvent(event);
      if (asking.isReplay || !events.isHeard(event)) return null;
      if ((underWay.get(plugin) ?? 0) >= MAX_UNDER_WAY) throw tooMany(plugin);
      count(plugin, 1);
      const what = hashToken(JSON.stringify(args)).slice(0, 16);
      const fired = events.fire(event, args, firedBy(asking, what));
      const ended = () => count(plugin, -1);
      fired.then(ended, ended);
      // What is refused is so at once, and its handler told.
      await Promise.race([fired, Promise.resolve()]);
      return null;
    },
  };
}

function tooMany(plugin: string): UsherError {
  return new UsherError(
    "too_many_requests",
    `Plugin "${plugin}" fires faster than its events are heard: ${MAX_UNDER_WAY} are under way`,
    { subject: plugin, hint: "fire less often" },
  );
}
