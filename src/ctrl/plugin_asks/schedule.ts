/**
 * `schedule.*`: an event of the plugin's own, later.
 *
 * One that is to come within a second counts as fired by its handler, so that
 * events which schedule each other come to an end like those that fire each
 * other.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { readWhen } from "../../plugin/when.ts";
import { isoTime } from "../../sys/clock.ts";
import { hashToken } from "../auth/accounts.ts";
import type { Schedules } from "../clocks/schedules.ts";
import type { CtrlContext } from "../context.ts";
import type { AnswersOf, By } from "./ask.ts";
import type { Paths } from "./path.ts";

/** What is to come so soon is a part of what happens now. */
const SOON_MS = 1000;

/** Nothing is scheduled for later than that. */
const FURTHEST_MS = 3650 * 86_400_000;

/** Of all arguments as JSON. */
const MAX_ARGS = 32 * 1024;

/** What scheduling works with. */
export interface ScheduleAskParts {
  readonly context: CtrlContext;
  readonly schedules: Schedules;
  readonly paths: Paths;
}

/** Answers `schedule.*`. */
export function scheduleAnswers(
  { context, schedules, paths }: ScheduleAskParts,
): AnswersOf<"schedule.at" | "schedule.cancel"> {
  return {
    "schedule.at": async ({ when, event, args, key }, by) => {
      const { asking, grant: { plugin } } = by;
      by.grant.requireEvent(event);
      refuseLarge(args, by);
      const now = context.clock.now();
      const at = momentOf(when, now, plugin);
      const isSoon = at - now < SOON_MS;
      if (isSoon) paths.refuseTooDeep(asking, `schedule ${event}`);
      if (asking.isReplay) return null;
      const what = hashToken(JSON.stringify([event, args])).slice(0, 16);
      const name = key ?? `${asking.decision.slice(-400)}/${what}`;
      await schedules.add({
        v: 1,
        plugin,
        key: keyOf(name),
        at: isoTime(at),
        event,
        args,
        decision: `schedule/${
          hashToken(`${plugin}/${asking.decision}/${name}`)
        }`,
        depth: isSoon ? asking.depth + 1 : 0,
      });
      return null;
    },
    "schedule.cancel": async ({ key }, { asking, grant }) => {
      if (!asking.isReplay) await schedules.cancel(grant.plugin, keyOf(key));
      return null;
    },
  };
}

/** A plugin's key, whatever stands in it, as one that the store takes. */
function keyOf(name: string): string {
  return hashToken(name).slice(0, 40);
}

function momentOf(when: string | number, now: number, plugin: string): number {
  const at = typeof when === "number" ? now + when : readMoment(when, now);
  if (at <= now + FURTHEST_MS) return at;
  throw new UsherError(
    "invalid_input",
    `Plugin "${plugin}" may not schedule so far ahead`,
    { field: "when", hint: "ten years are the most" },
  );
}

function readMoment(text: string, now: number): number {
  const when = readWhen(text);
  return when.type === "at" ? when.at : now + when.ms;
}

function refuseLarge(args: readonly unknown[], { grant }: By): void {
  if (JSON.stringify(args).length <= MAX_ARGS) return;
  throw new UsherError(
    "invalid_input",
    `Plugin "${grant.plugin}" may not schedule an event with so much`,
    {
      field: "args",
      hint: `${MAX_ARGS} characters of JSON are the most: keep it in ctx.state`,
    },
  );
}
