/**
 * What a configuration is made of: files in a fixed order, each key of a later
 * one winning, and over them what flags and variables say.
 *
 * Each file is checked alone, so that a mistake is named where it stands. The
 * machine is given (`ConfigFiles`): the daemons, the client library and tests
 * read from different ones.
 *
 * @module
 */
import { isUsherError, UsherError } from "../error/mod.ts";
import { meantIssue } from "../schema/issue.ts";
import { inWords } from "../schema/issue_words.ts";
import { type KeyPlace, readYamlText } from "./yaml_document.ts";
import {
  type Mistake,
  mistakeError,
  mistakesIn,
  readPart,
  type Schema,
} from "./yaml_file.ts";

/** Where files and variables come from. */
export interface ConfigFiles {
  /** The text of a file; null when there is none. Throws `invalid_input` for one that cannot be read. */
  read(path: string): Promise<string | null>;
  /** A variable of the environment. */
  env(name: string): string | undefined;
}

/** What is read, and in which order. */
export interface SourceNames {
  /** The name of the files, without `.yaml`. */
  readonly name: string;
  /** The variable that may name one more. */
  readonly variable: string;
  /** A file that a flag names; it is read last. */
  readonly file?: string | undefined;
}

/** A file that is there. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** What stands over all files. */
export interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
  /** What says so, such as `--state`. */
  readonly by: string;
}

/** A place where a file may be, or must be. */
interface Place {
  readonly path: string;
  /** What would be right when it is not there; null when it need not be. */
  readonly hint: string | null;
}

/** Where files are looked for, in the order of reading. */
function placesOf(
  { name, variable, file }: SourceNames,
  { env }: ConfigFiles,
): Place[] {
  const named = env(variable);
  const places: Place[] = [
    { path: `/etc/usher/${name}.yaml`, hint: null },
    { path: `${env("HOME") ?? "/root"}/.usher/${name}.yaml`, hint: null },
    {
      path: named ?? "",
      hint: `${variable} names it: unset it, or make it name a file`,
    },
    { path: file ?? "", hint: "give --config an existing file" },
  ];
  // One that stands there twice counts where it stands last.
  return places.filter(({ path }, i) =>
    path !== "" && places.findLastIndex((one) => one.path === path) === i
  );
}

async function readPlace(
  { path, hint }: Place,
  files: ConfigFiles,
): Promise<SourceFile | null> {
  const text = await files.read(path);
  if (text !== null) return { path, text };
  if (hint === null) return null;
  throw new UsherError(
    "invalid_input",
    `There is no configuration file ${path}`,
    { hint },
  );
}

/** The files that are there, in the order of reading. Throws `invalid_input` for one that must be and is not. */
export async function sourceFiles(
  names: SourceNames,
  files: ConfigFiles,
): Promise<SourceFile[]> {
  const found: SourceFile[] = [];
  for (const place of placesOf(names, files)) {
    const file = await readPlace(place, files);
    if (file !== null) found.push(file);
  }
  return found;
}

/** What a check of all files of a configuration found. */
export interface Checked {
  /** Those that are there and can be read, in the order of reading. */
  readonly files: readonly string[];
  readonly mistakes: readonly Mistake[];
}

/** All that is wrong with the files of a configuration, and with them together: by the schema, and by `together`. */
export async function checkSources<T>(
  names: SourceNames,
  schema: Schema<T>,
  files: ConfigFiles,
  together: (config: T) => UsherError | null = () => null,
): Promise<Checked> {
  const found: SourceFile[] = [];
  const mistakes: Mistake[] = [];
  for (const place of placesOf(names, files)) {
    try {
      const file = await readPlace(place, files);
      if (file === null) continue;
      found.push(file);
      mistakes.push(
        ...mistakesIn(file.path, file.text, schema, { isPart: true }),
      );
    } catch (error) {
      mistakes.push(asMistake(error));
    }
  }
  if (mistakes.length === 0) {
    try {
      const merged = mergedFiles(found, schema);
      const config = parseMerged(names.name, merged, schema, found);
      const mistake = together(config);
      if (mistake !== null) mistakes.push(asMistake(mistake, found));
    } catch (error) {
      mistakes.push(asMistake(error));
    }
  }
  return { files: found.map(({ path }) => path), mistakes };
}

/** What reading threw; a bug goes on. */
function asMistake(
  error: unknown,
  sources: readonly SourceFile[] = [],
): Mistake {
  if (!isUsherError(error)) throw error;
  const { field = "", hint } = error.details;
  const place = keyFinder(sources)(field.split("."));
  return {
    at: place === null ? "" : `${place.file}:${place.at}`,
    key: field,
    text: error.message,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** What files say together, without defaults. Throws `invalid_input`. */
export function mergedFiles(
  sources: readonly SourceFile[],
  schema: Schema<unknown>,
): unknown {
  return sources.reduce<unknown>(
    (below, { path, text }) => merge(below, readPart(path, text, schema)),
    {},
  );
}

/** What was merged, by the schema: only together it may be wrong. Throws `invalid_input`. */
export function parseMerged<T>(
  name: string,
  merged: unknown,
  schema: Schema<T>,
  sources: readonly SourceFile[] = [],
): T {
  const parsed = schema.safeParse(merged);
  if (parsed.success) return parsed.data;
  const issue = meantIssue(parsed.error.issues[0]);
  const key = issue?.path.map(String).join(".") ?? "";
  const place = keyFinder(sources)(issue?.path ?? []);
  throw mistakeError([{
    at: place === null ? `${name} configuration` : `${place.file}:${place.at}`,
    key,
    text: `${key}: ${inWords(issue?.message ?? "is wrong")}`,
  }]);
}

/** Where a key of a configuration comes from, as far as files say. */
export interface FoundKey extends KeyPlace {
  readonly file: string;
}

/** Finds keys: in the file that says most of one; of several in the last, which wins. */
export function keyFinder(
  sources: readonly SourceFile[],
): (keys: readonly PropertyKey[]) => FoundKey | null {
  const read = sources.map(({ path, text }) => ({
    file: path,
    text: readYamlText(text),
  })).reverse();
  return (keys) => {
    const [best] = read
      .map(({ file, text }) => ({ file, ...text.placeOf(keys) }))
      .toSorted((a, b) => b.depth - a.depth);
    return best === undefined || best.depth === 0 ? null : best;
  };
}

/** What overrides say together, as a file would. */
export function overriding(overrides: readonly Override[]): unknown {
  return overrides.reduce<unknown>(
    (below, { path, value }) =>
      merge(
        below,
        path.reduceRight<unknown>((within, key) => ({ [key]: within }), value),
      ),
    {},
  );
}

/** Objects are merged key by key; everything else is replaced. */
export function merge(below: unknown, above: unknown): unknown {
  if (above === undefined || above === null) return below;
  if (!isObject(below) || !isObject(above)) return above;
  const keys = [...new Set([...Object.keys(below), ...Object.keys(above)])];
  // Made from entries, so that no name of a key means anything here.
  return Object.fromEntries(keys.map((key) => [
    key,
    merge(own(below, key), own(above, key)),
  ]));
}

function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
