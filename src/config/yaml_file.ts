/**
 * YAML files checked by a schema, with every mistake named by file, line,
 * column and key.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { type Issue, meantIssue } from "../schema/issue.ts";
import { inWords } from "../schema/issue_words.ts";
import { knownKeys } from "../schema/known_keys.ts";
import { nearest } from "../schema/nearest.ts";
import { readYamlText, type YamlText } from "./yaml_document.ts";

/** As much of zod as is needed here. */
export interface Schema<T> {
  safeParse(value: unknown):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly Issue[] } };
}

/** One thing that is wrong with a file. */
export interface Mistake {
  /** `FILE:LINE:COLUMN`, or the file alone. */
  readonly at: string;
  /** The key, with dots; empty when it is none that is wrong. */
  readonly key: string;
  readonly text: string;
  readonly hint?: string;
}

/** How a file is checked. */
export interface CheckOptions {
  /** It is one of several: what is missing here may stand in another. */
  readonly isPart?: boolean;
}

/** All that is wrong with a text, in the order of its lines. */
export function mistakesIn(
  path: string,
  text: string,
  schema: Schema<unknown>,
  options?: CheckOptions,
): readonly Mistake[] {
  return readFile(path, text, schema, options).mistakes;
}

/** The value of a YAML text, checked by `schema`. Throws `invalid_input`. */
export function readYaml<T>(path: string, text: string, schema: Schema<T>): T {
  const { given, mistakes } = readFile(path, text, schema);
  if (mistakes.length > 0) throw mistakeError(mistakes);
  return parsedOf(schema.safeParse(given));
}

function parsedOf<T>(parsed: ReturnType<Schema<T>["safeParse"]>): T {
  if (parsed.success) return parsed.data;
  throw parsed.error;
}

/** What one of several files says, without defaults. Throws `invalid_input`. */
export function readPart(
  path: string,
  text: string,
  schema: Schema<unknown>,
): unknown {
  const { given, mistakes } = readFile(path, text, schema, { isPart: true });
  if (mistakes.length > 0) throw mistakeError(mistakes);
  return given;
}

/** The first of these mistakes, as what a person is told. */
export function mistakeError(mistakes: readonly Mistake[]): UsherError {
  const [first] = mistakes;
  return new UsherError(
    "invalid_input",
    `${first?.at ?? ""}: ${first?.text ?? ""}`,
    {
      field: first?.key ?? "",
      ...(first?.hint === undefined ? {} : { hint: first.hint }),
    },
  );
}

/** A file that was read, right or wrong. */
interface ReadFile {
  /** What it says, without defaults. */
  readonly given: unknown;
  readonly mistakes: readonly Mistake[];
}

function readFile(
  path: string,
  text: string,
  schema: Schema<unknown>,
  { isPart = false }: CheckOptions = {},
): ReadFile {
  const read = readYamlText(text);
  const given = read.value ?? {};
  if (read.mistakes.length > 0) {
    const mistakes = read.mistakes.map((one) => ({
      ...one,
      at: one.at === "" ? path : `${path}:${one.at}`,
      key: "",
    }));
    return { given, mistakes };
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return { given, mistakes: [] };
  const mistakes = parsed.error.issues
    .map((issue) => meantIssue(issue) ?? issue)
    .filter(({ path: keys }) => !isPart || !mayStandElsewhere(read, keys))
    .flatMap((issue) => mistakesOf(path, read, schema, issue));
  return { given, mistakes: mistakes.toSorted(byPlace) };
}

/** Whether a key is missing that another file may have; lists are of one file. */
function mayStandElsewhere(
  read: YamlText,
  keys: readonly PropertyKey[],
): boolean {
  const { depth } = read.placeOf(keys);
  return depth < keys.length &&
    keys.slice(0, depth).every((key) => typeof key !== "number");
}

/** An issue names one key; of unknown ones it names all of a section. */
function mistakesOf(
  path: string,
  read: YamlText,
  schema: unknown,
  issue: Issue,
): Mistake[] {
  const at = (keys: readonly PropertyKey[]) =>
    `${path}:${read.placeOf(keys).at}`;
  if (issue.keys !== undefined && issue.code === "unrecognized_keys") {
    return issue.keys.map((unknown) => {
      const where = [...issue.path, unknown];
      const key = where.map(String).join(".");
      return {
        at: at(where),
        key,
        text: `unknown key "${key}"`,
        hint: hintFor(unknown, knownKeys(schema, issue.path)),
      };
    });
  }
  const key = issue.path.map(String).join(".");
  return [{ at: at(issue.path), key, ...whatIsWrong(key, issue) }];
}

function whatIsWrong(
  key: string,
  { message }: Issue,
): Pick<Mistake, "text" | "hint"> {
  if (key === "") {
    return {
      text: 'the file must hold keys with values, such as "log: {level: info}"',
    };
  }
  return /received null$/.test(message)
    ? {
      text: `${key}: says nothing`,
      hint: "give it a value, or leave the key out",
    }
    : {
      text: `${key}: ${inWords(message)}`,
      hint: "docs/configuration.md says what each key takes",
    };
}

function hintFor(unknown: string, known: readonly string[]): string {
  const near = nearest(unknown, known);
  return near === null
    ? `known here: ${known.join(", ")}`
    : `did you mean "${near}"?`;
}

function byPlace(a: Mistake, b: Mistake): number {
  const [aLine = 0, aColumn = 0] = lineAndColumn(a);
  const [bLine = 0, bColumn = 0] = lineAndColumn(b);
  return aLine - bLine || aColumn - bColumn;
}

function lineAndColumn({ at }: Mistake): number[] {
  return at.split(":").slice(-2).map(Number);
}
