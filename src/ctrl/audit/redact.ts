/**
 * What was sent, as it may be kept: without secrets, and not without bound.
 *
 * A field is secret by its name, wherever it stands, so that a route that is
 * added later leaks nothing because somebody forgot to say so. `names` is left
 * out, since a note has them already.
 *
 * @module
 */
import { canonicalJson } from "../../schema/canonical.ts";
import { sha256 } from "../../sys/sha256.ts";

const SECRET =
  /pass(word|phrase)?|secret|token|credential|private|^key$|publickey/i;

/** The canonical JSON of arguments has at most so many characters. */
const MAX_ARGS = 4096;

const HIDDEN = "(secret)";

/** `body` for a note; undefined when there is nothing in it. */
export function keptArgs(body: unknown): Record<string, unknown> | undefined {
  if (body === null || typeof body !== "object" || Array.isArray(body)) {
    return undefined;
  }
  const { names: _, id: _id, verb: _verb, ...rest } = body as Record<
    string,
    unknown
  >;
  const args = withoutSecrets(rest) as Record<string, unknown>;
  if (Object.keys(args).length === 0) return undefined;
  const text = canonicalJson(args);
  if (text.length <= MAX_ARGS) return args;
  // What it was can still be proven by whoever has it.
  return { characters: text.length, sha256: sha256(text) };
}

/** Defaults that were filled in say nothing. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value !== null && typeof value === "object" &&
      !Array.isArray(value) && Object.keys(value).length === 0;
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => !isEmpty(one)).map((
      [key, one],
    ) => [key, SECRET.test(key) ? HIDDEN : withoutSecrets(one)]),
  );
}
