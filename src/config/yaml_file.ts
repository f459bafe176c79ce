/**
 * YAML files checked by a schema, with every mistake named by file, line,
 * column and key.
 *
 * @module
 */
import { isMap, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { UsherError } from "../error/mod.ts";
import { type Issue, meantIssue } from "../schema/issue.ts";
import { knownKeys } from "../schema/known_keys.ts";
import { nearest } from "../schema/nearest.ts";

/** As much of zod as is needed here. */
export interface Schema<T> {
  safeParse(value: unknown):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly Issue[] } };
}

/** The value of a YAML text. Throws `invalid_input` with `path:line:column`. */
export function parseYaml(path: string, text: string): unknown {
  return parse(path, text).value;
}

/** The value of a YAML text, checked by `schema`. Throws `invalid_input`. */
export function readYaml<T>(path: string, text: string, schema: Schema<T>): T {
  const { value, at, keysAt } = parse(path, text);
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const issue = meantIssue(parsed.error.issues[0]);
  const [unknown] = issue?.keys ?? [];
  const where = unknown === undefined
    ? issue?.path ?? []
    : [...(issue?.path ?? []), unknown];
  const key = where.map(String).join(".");
  if (unknown === undefined) {
    const said = key === ""
      ? 'the file must hold keys with values, such as "log: {level: info}"'
      : `${key}: ${issue?.message ?? "is wrong"}`;
    throw new UsherError(
      "invalid_input",
      `${path}:${at(where)}: ${said}`,
      { field: key },
    );
  }
  const near = nearest(unknown, knownKeys(schema, issue?.path ?? []));
  throw new UsherError(
    "invalid_input",
    `${path}:${at(where)}: unknown key "${key}"`,
    {
      field: key,
      hint: near === null
        ? `known here: ${keysAt(schema, issue?.path ?? []).join(", ")}`
        : `did you mean "${near}"?`,
    },
  );
}

/** Where a key stands in a YAML text, and how much of its path is there. */
export interface KeyPlace {
  /** `LINE:COLUMN` of the key, or of its nearest parent. */
  readonly at: string;
  /** So many keys of the path exist. */
  readonly depth: number;
}

/** Where the key `path` stands in `text`. */
export function placeOfKey(
  name: string,
  text: string,
  path: readonly PropertyKey[],
): KeyPlace {
  const { at, depthOf } = parse(name, text);
  return { at: at(path), depth: depthOf(path) };
}

interface Parsed {
  readonly value: unknown;
  at(path: readonly PropertyKey[]): string;
  depthOf(path: readonly PropertyKey[]): number;
  keysAt(schema: unknown, path: readonly PropertyKey[]): string[];
}

function parse(path: string, text: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
  });
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${line}:${col}`;
  };
  const [error] = document.errors;
  if (error !== undefined) {
    throw new UsherError(
      "invalid_input",
      `${path}:${position(error.pos[0])}: ${error.message}`,
    );
  }
  return {
    value: valueOf(path, document),
    at: (keys) => position(placeIn(document.contents, keys).offset),
    depthOf: (keys) => placeIn(document.contents, keys).depth,
    keysAt: knownKeys,
  };
}

/** The value of a document; what its aliases do wrong shows only now. */
function valueOf(path: string, document: ReturnType<typeof parseDocument>) {
  try {
    return document.toJS();
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    const why = error.message.charAt(0).toLowerCase() + error.message.slice(1);
    throw new UsherError("invalid_input", `${path}: ${why}`, { cause: error });
  }
}

/** Where the value of `keys` begins; its nearest parent's place when it is not there. */
function placeIn(
  root: Node | null,
  keys: readonly PropertyKey[],
): { readonly offset: number; readonly depth: number } {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  let depth = 0;
  for (const key of keys) {
    if (isMap(node)) {
      const pair = node.items.find(({ key: at }) =>
        (at as { value?: unknown }).value === key
      );
      if (pair === undefined) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(key)] as Node | undefined;
      if (item === undefined) break;
      node = item;
      offset = item.range?.[0] ?? offset;
    } else break;
    depth++;
  }
  return { offset, depth };
}
