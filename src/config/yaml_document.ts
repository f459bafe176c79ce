/**
 * A YAML text with the places of its keys, whatever is wrong with it.
 *
 * @module
 */
import {
  isAlias,
  isMap,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";

/** What is wrong with a text, before anybody asks what it means. */
export interface SyntaxMistake {
  /** `LINE:COLUMN`; empty where the whole is meant. */
  readonly at: string;
  readonly text: string;
  readonly hint?: string;
}

/** Where a key stands in a text, and how much of its path is there. */
export interface KeyPlace {
  /** `LINE:COLUMN` of the key, or of its nearest parent. */
  readonly at: string;
  /** So many keys of the path exist. */
  readonly depth: number;
}

/** A text that was read. */
export interface YamlText {
  /** What it holds; null for an empty one, and for one with mistakes. */
  readonly value: unknown;
  readonly mistakes: readonly SyntaxMistake[];
  placeOf(path: readonly PropertyKey[]): KeyPlace;
}

const TOO_DEEP = "its lists and sections are nested too deeply";

/** Reads a text; never throws for what it holds. */
export function readYamlText(text: string): YamlText {
  try {
    return read(text);
  } catch (error) {
    // The parser and what walks its tree call themselves for each level.
    if (!(error instanceof RangeError)) throw error;
    return {
      value: null,
      mistakes: [{ at: "", text: TOO_DEEP }],
      placeOf: () => ({ at: "1:1", depth: 0 }),
    };
  }
}

function read(text: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
  });
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${line}:${col}`;
  };
  const placeOf = (path: readonly PropertyKey[]) => {
    const { offset, depth } = placeIn(document.contents, path);
    return { at: position(offset), depth };
  };
  const mistakes = document.errors.map(({ pos, code, message }) => ({
    at: position(pos[0]),
    text: /call stack/.test(message) ? TOO_DEEP : message.replace(/\.$/, ""),
    ...(code === "TAB_AS_INDENT" ? { hint: "indent with spaces" } : {}),
  }));
  if (mistakes.length > 0) return { value: null, mistakes, placeOf };
  try {
    return { value: document.toJS(), mistakes: [], placeOf };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return {
      value: null,
      mistakes: [aliasMistake(document, error, position)],
      placeOf,
    };
  }
}

/** What an alias does wrong shows only when values are made. */
function aliasMistake(
  document: ReturnType<typeof parseDocument>,
  { message }: ReferenceError,
  position: (offset: number) => string,
): SyntaxMistake {
  const [, missing] = /: (\S+)$/.exec(message) ?? [];
  let at = "";
  visit(document, {
    Alias(_key, node) {
      if (!isAlias(node)) return;
      if (missing !== undefined && node.source !== missing) return;
      at = position(node.range?.[0] ?? 0);
      return visit.BREAK;
    },
  });
  return missing === undefined
    ? {
      at,
      text: "aliases within aliases make it far too large",
      hint: "write the values out",
    }
    : {
      at,
      text:
        `unresolved alias "*${missing}": no anchor "&${missing}" stands before it`,
    };
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
        String((at as { value?: unknown } | null)?.value) === String(key)
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
