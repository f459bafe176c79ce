/**
 * Selectors: globs over names, and conditions such as `node=n3,state=running`.
 *
 * @module
 */
import { UsherError } from "../error/mod.ts";
import { didYouMean } from "../schema/nearest.ts";

/** Whether `text` has a wildcard. */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

/** One place of a glob: any text, or one character that fits. */
type Token = "any" | ((char: string) => boolean);

/** A test of text by a glob; see `compileGlob`. */
export interface Glob {
  test(text: string): boolean;
}

/**
 * Compiles a glob with `*`, `?` and `[…]`; dots are not special. Its test
 * takes time in proportion to both lengths, whatever is written: a pattern
 * comes from any user and must not stall the controller. Throws
 * `invalid_input`.
 */
export function compileGlob(glob: string): Glob {
  const tokens = tokensOf(glob);
  return { test: (text) => matches(tokens, text) };
}

function tokensOf(glob: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at] ?? "";
    if (char === "*") {
      if (tokens.at(-1) !== "any") tokens.push("any");
    } else if (char === "?") tokens.push(() => true);
    else if (char === "[") {
      const end = glob.indexOf("]", at + 1);
      tokens.push(setOf(glob, glob.slice(at + 1, end < 0 ? at + 1 : end)));
      at = end;
    } else tokens.push((other) => other === char);
  }
  return tokens;
}

/** `abc`, `a-z`, or either after `!` for anything else. */
function setOf(glob: string, body: string): (char: string) => boolean {
  const isNegated = body.startsWith("!");
  const parts = (isNegated ? body.slice(1) : body).match(/.-.|./gs) ?? [];
  if (parts.length === 0) {
    throw new UsherError(
      "invalid_input",
      `Cannot read the pattern "${glob}": its [ needs characters and a ]`,
      { hint: "use * for any text, ? for one character, [a-c] for a set" },
    );
  }
  const has = (char: string) =>
    parts.some((part) =>
      part.length === 3
        ? char >= (part[0] ?? "") && char <= (part[2] ?? "")
        : char === part
    );
  return (char) => has(char) !== isNegated;
}

/** On a mismatch only the last `*` takes one character more: that suffices. */
function matches(tokens: readonly Token[], text: string): boolean {
  let token = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    const wanted = tokens[token];
    if (wanted === "any") {
      star = token++;
      starAt = at;
    } else if (wanted !== undefined && wanted(text[at] ?? "")) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (tokens[token] === "any") token++;
  return token === tokens.length;
}

/**
 * Whether a full name `vm.cluster.user` matches a glob of one, two or three
 * labels: one label matches VM names, two `vm.cluster`, three the full name.
 */
export function matchesName(fullName: string, glob: string): boolean {
  return compileName(glob)(fullName);
}

/**
 * Compiles a glob as `matchesName` reads it, for many names. Throws
 * `invalid_input`.
 */
export function compileName(glob: string): (fullName: string) => boolean {
  const labels = glob.split(".").length;
  const shortened = (name: string) =>
    labels > 2 ? name : name.split(".", labels).join(".");
  if (!isGlob(glob)) return (name) => shortened(name) === glob;
  const compiled = compileGlob(glob);
  return (name) => compiled.test(shortened(name));
}

/** One condition of a filter. */
export interface Condition {
  readonly key: string;
  readonly negated: boolean;
  readonly pattern: Glob;
}

/**
 * Parses `key=value,key!=value`; values may be globs. Throws `invalid_input`
 * for a malformed condition and for a key not in `allowed`.
 */
export function parseFilter(
  text: string,
  allowed: readonly string[],
): Condition[] {
  return text.split(",").filter((part) => part.trim() !== "").map((part) => {
    const match = /^\s*([a-zA-Z_.]+)\s*(!?=)\s*(.*?)\s*$/.exec(part);
    const key = match?.[1];
    if (match === null || key === undefined || !allowed.includes(key)) {
      throw new UsherError(
        "invalid_input",
        `Cannot read the condition "${part.trim()}"`,
        {
          field: "filter",
          hint: `${
            didYouMean(key ?? "", allowed)
          } write key=value or key!=value; keys are ${allowed.join(", ")}`
            .trim(),
        },
      );
    }
    return {
      key,
      negated: match[2] === "!=",
      pattern: compileGlob(match[3] ?? ""),
    };
  });
}

/** Whether every condition holds for the values that `read` gives. */
export function matchesAll(
  conditions: readonly Condition[],
  read: (key: string) => string,
): boolean {
  return conditions.every(({ key, negated, pattern }) =>
    pattern.test(read(key)) !== negated
  );
}
