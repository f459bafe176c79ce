/**
 * What a handler gave back, before anything goes on with it.
 *
 * It comes from a stranger: it must be JSON and nothing else, be what the
 * event's schema says, and speak of the same thing as what the handler was
 * given. Whoever breaks that has failed, and its answer is dropped whole.
 *
 * @module
 */
import type { z } from "zod";
import { EVENTS, isEventName } from "../../schema/event.ts";
import { type Issue, meantIssue } from "../../schema/issue.ts";

/** Arguments of an event. */
export type Args = readonly unknown[];

/** Deeper than anything that usher hands out. */
const MAX_DEPTH = 64;

/** The arguments to go on with, or why `given` cannot be gone on with. */
export type Taken =
  | { readonly args: Args; readonly problem?: undefined }
  | { readonly problem: string };

/** Checks what a handler of `event` made of `before`. */
export function takeAnswer(event: string, before: Args, given: unknown): Taken {
  const odd = oddity(given, 0);
  if (odd !== null) return { problem: `its answer ${odd}` };
  if (!Array.isArray(given)) {
    return { problem: "its answer is no list of arguments" };
  }
  if (sameJson(before, given)) return { args: before };
  if (!isEventName(event)) return takeDeclared(before, given);
  const { args, frozen, names }: {
    args: z.ZodType;
    frozen: readonly (readonly string[])[];
    names: readonly string[];
  } = EVENTS[event];
  const parsed = args.safeParse(given);
  if (!parsed.success) {
    const issue = meantIssue(parsed.error.issues[0] as Issue | undefined);
    return { problem: `its answer is wrong: ${issueText(issue, names)}` };
  }
  const checked = parsed.data as Args;
  for (const [i, keys] of frozen.entries()) {
    for (const key of keys) {
      if (sameJson(member(before[i], key), member(checked[i], key))) continue;
      return {
        problem: `it changed "${key}" of ${
          names[i]
        }, which is not its to change`,
      };
    }
  }
  return { args: checked };
}

/** Arguments of an event that a plugin declares: of the same kinds, one by one. */
function takeDeclared(before: Args, given: Args): Taken {
  if (given.length !== before.length) {
    return {
      problem:
        `it gave back ${given.length} arguments where it got ${before.length}`,
    };
  }
  for (const [i, value] of given.entries()) {
    if (kindOf(value) === kindOf(before[i])) continue;
    return {
      problem: `its argument ${i + 1} is of kind ${kindOf(value)}, and was ${
        kindOf(before[i])
      }`,
    };
  }
  return { args: given };
}

function issueText(
  issue: Issue | undefined,
  names: readonly string[],
): string {
  const [first, ...rest] = issue?.path ?? [];
  const at = typeof first === "number"
    ? [names[first] ?? first, ...rest]
    : issue?.path ?? [];
  const where = at.map(String).join(".");
  const what = issue?.message ?? "it is not what it was";
  return where === "" ? what : `${where}: ${what}`;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "list" : typeof value;
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null &&
      Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

/** What about a value is not plain JSON, in words that follow "its answer"; null when it all is. */
export function oddity(value: unknown, depth: number): string | null {
  if (depth > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} deep`;
  switch (typeof value) {
    case "string":
    case "boolean":
      return null;
    case "number":
      return Number.isFinite(value)
        ? null
        : "has a number that JSON cannot say";
    case "object":
      break;
    default:
      return `has a ${typeof value}, which JSON cannot say`;
  }
  if (value === null) return null;
  if (Array.isArray(value)) {
    for (const one of value) {
      const odd = oddity(one, depth + 1);
      if (odd !== null) return odd;
    }
    return null;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return "has an object of a class";
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") return 'has a key "__proto__"';
    const odd = oddity((value as Record<string, unknown>)[key], depth + 1);
    if (odd !== null) return odd;
  }
  return null;
}

/** Whether two values are the same JSON; keys whose value is undefined are none. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (
    typeof a !== "object" || typeof b !== "object" || a === null || b === null
  ) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
      a.every((one, i) => sameJson(one, b[i]));
  }
  for (const key of Object.keys(a)) {
    if (!sameJson(member(a, key), member(b, key))) return false;
  }
  return Object.keys(b).every((key) =>
    Object.hasOwn(a, key) || member(b, key) === undefined
  );
}
