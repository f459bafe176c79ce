/**
 * The words of a list: conditions and names.
 *
 * @module
 */
import { didYouMean } from "../../schema/nearest.ts";
import type { Api } from "../api.ts";
import { isFailure } from "../failure.ts";
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

/** What values a key of conditions can have; asked for only where a list is empty. */
export type KnownValues = Readonly<
  Record<string, readonly string[] | (() => Promise<readonly string[]>)>
>;

/** What to say of an empty list whose filter names what is not there. */
export async function meantValue(
  filter: string | undefined,
  known: KnownValues,
): Promise<string> {
  for (const condition of filter?.split(",") ?? []) {
    const [, key = "", value = ""] = /^([a-z]+)!?=([a-z0-9.-]+)$/
      .exec(condition) ?? [];
    const source = Object.hasOwn(known, key) ? known[key] : undefined;
    if (source === undefined) continue;
    const values = typeof source === "function"
      ? await source().catch(() => [value])
      : source;
    if (values.includes(value)) continue;
    const meant = didYouMean(value, values);
    return `; there is no ${key} "${value}"${meant && `, ${meant}`}`;
  }
  return "";
}

/** What to say of an empty list of a user whom nobody knows; nothing of the others. */
export async function noSuchUser(
  api: Api,
  user: string | undefined,
): Promise<string> {
  if (user === undefined) return "";
  try {
    await api.call("user", { params: { name: user } });
  } catch (error) {
    if (!isFailure(error, "not_found")) return "";
    const { hint = "" } = error.details;
    const meant = hint.startsWith("did you mean") ? `, ${hint}` : "";
    return `; there is no account "${user}"${meant}`;
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
