/**
 * Recorded events as one plugin saw them: what went in, and what was made of
 * it then.
 *
 * @module
 */
import type { HandlerOutcome } from "../plugin/chain/outcome.ts";
import { EVENTS, isEventName } from "../schema/event.ts";
import type {
  RecordedAnswer,
  RecordedEvent,
} from "../schema/recorded_event.ts";

/** One call of a plugin, as it was or would have been. */
export interface PastCall {
  readonly input: readonly unknown[];
  readonly outcome: HandlerOutcome;
  /** Whether the plugin was there then; else it is as if it had said nothing. */
  readonly wasThere: boolean;
}

/**
 * The call of `plugin` in a recorded event, the first of it or one further down
 * the chain; null where its chain was over before it could have been called.
 */
export function pastCall(
  { event, args, answers }: RecordedEvent,
  plugin: string,
  number = 0,
): PastCall | null {
  let input: readonly unknown[] = args;
  let seen = 0;
  for (const answer of answers) {
    if (answer.plugin === plugin && seen++ === number) {
      return { input, outcome: outcomeThen(answer), wasThere: true };
    }
    // A refusal ends a chain that decides.
    if (answer.problem !== null && decides(event)) return null;
    input = answer.args ?? input;
  }
  return {
    input,
    outcome: { kind: "answered", args: null },
    wasThere: false,
  };
}

function decides(event: string): boolean {
  return isEventName(event) && EVENTS[event].class === "decides";
}

function outcomeThen({ args, problem }: RecordedAnswer): HandlerOutcome {
  if (problem === null) return { kind: "answered", args };
  const kind = problem.code === "refused" ? "refused" : "failed";
  return { kind, reason: problem.detail };
}
