/**
 * Where a role's configuration comes from: files in a fixed order, each key
 * of a later one winning, and flags last.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { environment } from "../sys/environment.ts";
import { readGivenOrNull } from "../sys/given_file.ts";
import { parseYaml, placeOfKey, readYaml, type Schema } from "./yaml_file.ts";

/** What is read over the usual files of a role. */
export interface LoadOptions {
  /** A file that must exist and is read last. */
  readonly file?: string | undefined;
  /** What flags say, as the file would: wins over every file. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

/** A configuration, and where its keys stand. */
export interface Located<T> {
  readonly config: T;
  /** `FILE:LINE:COLUMN` of a key, or of its nearest parent; null when no file has it. */
  locate(path: readonly (string | number)[]): string | null;
}

/** Reads a configuration; see `loadLocated`. */
export async function loadConfig<T>(
  name: string,
  schema: Schema<T>,
  options: LoadOptions = {},
): Promise<T> {
  return (await loadLocated(name, schema, options)).config;
}

/**
 * Reads `/etc/usher/NAME.yaml`, `~/.usher/NAME.yaml` and `$USHERNAME_CONFIG`.
 * Each file is checked alone, so that a mistake is named where it stands.
 */
export async function loadLocated<T>(
  name: string,
  schema: Schema<T>,
  options: LoadOptions = {},
): Promise<Located<T>> {
  const read: { path: string; text: string }[] = [];
  const variable = `USHER${name.toUpperCase()}_CONFIG`;
  const required = [environment(variable), options.file].filter((path) =>
    path !== undefined && path !== ""
  );
  const optional = [
    `/etc/usher/${name}.yaml`,
    `${environment("HOME") ?? "/root"}/.usher/${name}.yaml`,
  ];
  let merged: unknown = {};
  for (const path of [...optional, ...required] as string[]) {
    const text = await readGivenOrNull(path);
    if (text === null) {
      if (optional.includes(path) && !required.includes(path)) continue;
      throw new UsherError(
        "invalid_input",
        `There is no configuration file ${path}`,
        {
          hint: path === environment(variable)
            ? `${variable} names it`
            : "give --config an existing file",
        },
      );
    }
    readYaml(path, text, schema);
    merged = merge(merged, parseYaml(path, text));
    read.push({ path, text });
  }
  merged = merge(merged, options.flags ?? {});
  const parsed = schema.safeParse(merged);
  if (parsed.success) {
    return { config: parsed.data, locate: (keys) => locate(read, keys) };
  }
  const [issue] = parsed.error.issues;
  const field = issue?.path.map(String).join(".") ?? "";
  throw new UsherError(
    "invalid_input",
    `${name} configuration: ${field}: ${issue?.message}`,
    { field },
  );
}

/** The place of a key in the file that says most of it; of several the last, which wins. */
function locate(
  files: readonly { readonly path: string; readonly text: string }[],
  keys: readonly (string | number)[],
): string | null {
  const [best] = files
    .map(({ path, text }) => ({ path, ...placeOfKey(path, text, keys) }))
    .reverse()
    .toSorted((a, b) => b.depth - a.depth);
  return best === undefined || best.depth === 0
    ? null
    : `${best.path}:${best.at}`;
}

/** Reads one file and no other. */
export async function loadFile<T>(
  path: string,
  schema: Schema<T>,
): Promise<Located<T>> {
  const text = await readGivenOrNull(path);
  if (text === null) {
    throw new UsherError("invalid_input", `There is no file ${path}`, {
      hint: "name one that is there",
    });
  }
  return {
    config: readYaml(path, text, schema),
    locate: (keys) => locate([{ path, text }], keys),
  };
}

/** Objects are merged key by key; everything else is replaced. */
function merge(below: unknown, above: unknown): unknown {
  if (above === undefined || above === null) return below;
  if (!isObject(below) || !isObject(above)) return above;
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    merged[key] = merge(merged[key], value);
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
