/**
 * The configuration of a role, from the files of this machine and flags.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { environment } from "../sys/environment.ts";
import { readPlainOrNull } from "../sys/given_file.ts";
import {
  type ConfigFiles,
  keyFinder,
  merge,
  mergedFiles,
  type Override,
  overriding,
  parseMerged,
  type SourceFile,
  sourceFiles,
  type SourceNames,
} from "./sources.ts";
import { readYaml, type Schema } from "./yaml_file.ts";

/** This machine. */
export const THIS_MACHINE: ConfigFiles = {
  read: readPlainOrNull,
  env: environment,
};

/** What is read over the usual files of a role. */
export interface LoadOptions {
  /** A file that must exist and is read last. */
  readonly file?: string | undefined;
  /** What flags say: wins over every file. */
  readonly overrides?: readonly Override[];
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
 * The files of a role: `/etc/usher/NAME.yaml`, `~/.usher/NAME.yaml`,
 * `$USHERNAME_CONFIG`. Those of the shell are named as any program's are:
 * `$USH_CONFIG`.
 */
export function roleSources(
  name: string,
  file: string | undefined,
): SourceNames {
  const prefix = name === "ush" ? "" : "USHER";
  return { name, variable: `${prefix}${name.toUpperCase()}_CONFIG`, file };
}

/** Reads the files of a role. Throws `invalid_input` with the place of a mistake. */
export async function loadLocated<T>(
  name: string,
  schema: Schema<T>,
  { file, overrides = [] }: LoadOptions = {},
): Promise<Located<T>> {
  const files = await sourceFiles(roleSources(name, file), THIS_MACHINE);
  const merged = merge(mergedFiles(files, schema), overriding(overrides));
  return {
    config: parseMerged(name, merged, schema, files),
    locate: locatorOf(files),
  };
}

/** Reads one file and no other. */
export async function loadFile<T>(
  path: string,
  schema: Schema<T>,
): Promise<Located<T>> {
  const text = await readPlainOrNull(path);
  if (text === null) {
    throw new UsherError("invalid_input", `There is no file ${path}`, {
      hint: "name one that is there",
    });
  }
  return {
    config: readYaml(path, text, schema),
    locate: locatorOf([{ path, text }]),
  };
}

/** Reads the texts once more, and only when a place is asked for. */
function locatorOf(files: readonly SourceFile[]): Located<unknown>["locate"] {
  let find: ReturnType<typeof keyFinder> | undefined;
  return (keys) => {
    const found = (find ??= keyFinder(files))(keys);
    return found === null ? null : `${found.file}:${found.at}`;
  };
}
