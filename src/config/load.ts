/**
 * Where a role's configuration comes from: files in a fixed order, each key
 * of a later one winning, and flags last.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import { environment } from "../sys/environment.ts";
import { readTextOrNull } from "../sys/file.ts";
import { parseYaml, readYaml, type Schema } from "./yaml_file.ts";

export interface LoadOptions {
  /** A file that must exist and is read last. */
  readonly file?: string | undefined;
  /** What flags say, as the file would: wins over every file. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

/**
 * Reads `/etc/usher/NAME.yaml`, `~/.usher/NAME.yaml` and `$USHERNAME_CONFIG`.
 * Each file is checked alone, so that a mistake is named where it stands.
 */
export async function loadConfig<T>(
  name: string,
  schema: Schema<T>,
  options: LoadOptions = {},
): Promise<T> {
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
    const text = await readFile(path);
    if (text === null) {
      if (optional.includes(path) && !required.includes(path)) continue;
      throw new UsherError(
        "not_found",
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
  }
  merged = merge(merged, options.flags ?? {});
  const parsed = schema.safeParse(merged);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.map(String).join(".") ?? "";
  throw new UsherError(
    "invalid_input",
    `${name} configuration: ${field}: ${issue?.message}`,
    { field },
  );
}

/** The text of a file, or null when there is none. Throws `invalid_input` for what cannot be read. */
async function readFile(path: string): Promise<string | null> {
  try {
    return await readTextOrNull(path);
  } catch (error) {
    throw new UsherError(
      "invalid_input",
      `Cannot read configuration file ${path}: ${messageOf(error)}`,
      { hint: "it must be a file that this user may read", cause: error },
    );
  }
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
