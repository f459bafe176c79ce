/**
 * What a handler made of its arguments, as the difference to what it got.
 *
 * So what is kept of an answer is small however many VMs a request names, and
 * what no handler may change is never a part of it.
 *
 * @module
 */
import type { Edit } from "../../schema/stored.ts";
import { type Args, sameJson } from "./answer.ts";

/** How `before` became `after`; `after` is JSON. */
export function editOf(before: Args, after: Args): Edit[] {
  return after.map((now, i) => {
    const was = before[i];
    if (i < before.length && sameJson(was, now)) return { kind: "same" };
    return isObject(was) && isObject(now)
      ? keysOf(was, now)
      : { kind: "new", value: now };
  });
}

/** What `edits` make of `before`; what it holds meanwhile and they do not name stays. */
export function edited(before: Args, edits: readonly Edit[]): Args {
  return edits.map((edit, i) => {
    switch (edit.kind) {
      case "same":
        return before[i];
      case "new":
        return edit.value;
      case "keys": {
        const was = before[i];
        const kept = Object.entries(isObject(was) ? was : {})
          .filter(([key]) => !edit.drop.includes(key));
        return Object.fromEntries([...kept, ...edit.set]);
      }
    }
  });
}

type Keyed = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Keyed {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keysOf(was: Keyed, now: Keyed): Edit {
  return {
    kind: "keys",
    set: Object.entries(now).filter(([key, value]) =>
      !Object.hasOwn(was, key) || !sameJson(was[key], value)
    ),
    drop: Object.keys(was).filter((key) => !Object.hasOwn(now, key)),
  };
}
