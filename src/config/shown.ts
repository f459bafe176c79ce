/**
 * A configuration as it is shown: every value, defaults among them, and where
 * each comes from. What may be secret is hidden.
 *
 * @module
 */
import { type ConfigSchema, type Key, keysOf } from "../schema/setting.ts";
import {
  keyFinder,
  merge,
  mergedFiles,
  type Override,
  overriding,
  parseMerged,
  type SourceFile,
} from "./sources.ts";

/** One value. */
export interface ShownKey {
  readonly path: readonly string[];
  /** As a file would say it. */
  readonly value: unknown;
  /** `FILE:LINE:COLUMN`, a flag or a variable, or `default`. */
  readonly origin: string;
}

/** What stands in the place of a secret. */
export const HIDDEN = "(hidden)";

/** Names of options of plugins that hold secrets; a file that holds one is none. */
const SECRET_NAME =
  /(?:^|_)(?:pass(?:word|wd|phrase)?|pw|secret|token|credentials?|(?:api|private)_?key)s?$|^key$/i;

/** Every value of a configuration. Throws `invalid_input` with the place of a mistake. */
export function shownKeys(
  name: string,
  schema: ConfigSchema,
  sources: readonly SourceFile[],
  overrides: readonly Override[],
): ShownKey[] {
  const given = merge(mergedFiles(sources, schema), overriding(overrides));
  parseMerged(name, given, schema, sources);
  const keys = keysOf(schema).filter(({ path }) => !path.includes("NAME"));
  const secrets = keys.filter(({ setting }) => setting?.secret === true);
  const find = keyFinder(sources);
  return leavesOf(withFallbacks(keys, given), []).map(({ path, value }) => ({
    path,
    value: hiddenValue(path, value, secrets),
    origin: originOf(path, overrides, find),
  }));
}

/** What is given over what counts where nothing is. */
function withFallbacks(keys: readonly Key[], given: unknown): unknown {
  let all: unknown = {};
  for (const { path, fallback, isSection, type } of keys) {
    if (fallback === undefined) continue;
    // Keys of a section have fallbacks of their own.
    if (isSection && type === "") continue;
    const value = isSection ? unless(given, path, fallback) : fallback;
    all = merge(all, overriding([{ path, value, by: "" }]));
  }
  return merge(all, given);
}

/** Of names that people choose, those that are given count as they are given. */
function unless(
  given: unknown,
  path: readonly string[],
  fallback: unknown,
): unknown {
  const chosen = path.reduce<unknown>(
    (at, key) => (at as Record<string, unknown> | undefined)?.[key],
    given,
  );
  return Object.fromEntries(
    Object.entries(fallback as Record<string, unknown>).filter(([name]) =>
      !Object.hasOwn((chosen ?? {}) as object, name)
    ),
  );
}

function leavesOf(
  value: unknown,
  path: readonly string[],
): { readonly path: readonly string[]; readonly value: unknown }[] {
  const isSection = typeof value === "object" && value !== null &&
    !Array.isArray(value) && Object.keys(value).length > 0;
  return isSection
    ? Object.entries(value).flatMap(([key, within]) =>
      leavesOf(within, [...path, key])
    )
    : [{ path, value }];
}

function originOf(
  path: readonly string[],
  overrides: readonly Override[],
  find: ReturnType<typeof keyFinder>,
): string {
  const over = overrides.findLast((one) =>
    one.value !== undefined && one.path.every((key, i) => key === path[i])
  );
  if (over !== undefined) return over.by;
  const found = find(path);
  return found === null || found.depth < path.length
    ? "default"
    : `${found.file}:${found.at}`;
}

function hiddenValue(
  path: readonly string[],
  value: unknown,
  secrets: readonly Key[],
): unknown {
  const isSecret = secrets.some((key) => key.path.join() === path.join()) ||
    (path[0] === "plugins" && SECRET_NAME.test(path.at(-1) ?? ""));
  return isSecret ? HIDDEN : hiddenWithin(value, path[0] === "plugins");
}

/** Lists may hold sections of their own, and addresses passwords. */
function hiddenWithin(value: unknown, isOfPlugin: boolean): unknown {
  if (typeof value === "string") {
    return value.replace(/(:\/\/[^/@:]*):[^/@]*@/, `$1:${HIDDEN}@`);
  }
  if (Array.isArray(value)) {
    return value.map((one) => hiddenWithin(one, isOfPlugin));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, within]) => [
      key,
      isOfPlugin && SECRET_NAME.test(key)
        ? HIDDEN
        : hiddenWithin(within, isOfPlugin),
    ]),
  );
}
