/**
 * The words of a list: conditions and names.
 *
 * @module
 */
import { didYouMean } from "../../schema/nearest.ts";
import { UsageError } from "../usage.ts";

/** What the words of a list say. */
export interface ListWords {
  readonly names: readonly string[];
  /** Conditions as the API takes them; undefined when there are none. */
  readonly filter: string | undefined;
}

const CONDITION = /^[a-z][A-Za-z0-9._-]*!?=.+$/;

/** Splits the words of a list into conditions and names. */
export function readListWords(words: readonly string[]): ListWords {
  const filters = words.filter((word) => word.includes("="));
  return {
    names: words.filter((word) => !word.includes("=")),
    filter: filters.length === 0
      ? undefined
      : filters.map(checkFilter).join(","),
  };
}

/** What to say of an empty list whose filter names a state that is none. */
export function meantState(
  filter: string | undefined,
  states: readonly string[],
): string {
  for (const condition of filter?.split(",") ?? []) {
    const [, state] = /^state!?=([a-z]+)$/.exec(condition) ?? [];
    if (state === undefined || states.includes(state)) continue;
    const meant = didYouMean(state, states);
    return `; there is no state "${state}"${meant && `, ${meant}`}`;
  }
  return "";
}

function checkFilter(filter: string): string {
  for (const condition of filter.split(",")) {
    if (CONDITION.test(condition)) continue;
    throw new UsageError(
      `"${condition}" is no condition`,
      "write key=value, several separated by commas, such as node=n3,state=running",
    );
  }
  return filter;
}
