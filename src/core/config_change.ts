/**
 * What of a new configuration a running process takes: the keys whose change
 * is told apart from all others once, beside their schemas (`SETTINGS`).
 *
 * @module
 */
import {
  type ConfigSchema,
  type Key,
  keysOf,
  valueText,
} from "../schema/setting.ts";

/** A key that has another value than before. */
export interface ConfigChange {
  readonly key: string;
  readonly path: readonly string[];
  /** Whether a running process takes it. */
  readonly live: boolean;
  /** As a file would say them; empty for none. */
  readonly from: string;
  readonly to: string;
}

/** The keys that differ; one with entries that people name, such as labels, as a whole. */
export function configChanges(
  schema: ConfigSchema,
  before: unknown,
  after: unknown,
): ConfigChange[] {
  const keys = new Map(keysOf(schema).map((key) => [key.path.join("."), key]));
  const [old, fresh] = [before, after].map((value) =>
    new Map(leavesOf(value, [], keys))
  );
  const all = new Set([...old?.keys() ?? [], ...fresh?.keys() ?? []]);
  return [...all].flatMap((name) => {
    const [from, to] = [old?.get(name), fresh?.get(name)];
    if (JSON.stringify(from) === JSON.stringify(to)) return [];
    const key = keys.get(name);
    return [{
      key: name,
      path: name.split("."),
      live: key?.setting?.live === true,
      from: textOf(key, from),
      to: textOf(key, to),
    }];
  });
}

/** `before` with what `after` says of these keys. */
export function withChanges<T>(
  before: T,
  after: T,
  changes: readonly Pick<ConfigChange, "path">[],
): T {
  return changes.reduce<T>(
    (config, { path }) => withValue(config, path, valueAt(after, path)) as T,
    before,
  );
}

function leavesOf(
  value: unknown,
  path: readonly string[],
  keys: ReadonlyMap<string, Key>,
): [string, unknown][] {
  const key = keys.get(path.join("."));
  const isLeaf = path.length > 0 && key !== undefined && key.type !== "";
  if (isLeaf || !isObject(value)) {
    return value === undefined ? [] : [[path.join("."), value]];
  }
  return Object.entries(value).flatMap(([name, within]) =>
    leavesOf(within, [...path, name], keys)
  );
}

function withValue(
  config: unknown,
  [first, ...rest]: readonly string[],
  value: unknown,
): unknown {
  if (first === undefined) return value;
  const at = isObject(config) ? config : {};
  const { [first]: inner, ...others } = at;
  const within = withValue(inner, rest, value);
  return within === undefined ? others : { ...at, [first]: within };
}

function valueAt(config: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, name) => isObject(at) ? at[name] : undefined,
    config,
  );
}

function textOf(key: Key | undefined, value: unknown): string {
  if (value === undefined) return "";
  return valueText(key?.setting?.secret === true ? "" : key?.type, value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
