/**
 * UsageError: what the person at the keyboard typed cannot be meant so.
 *
 * It is apart from UsherError so that a command which goes well never loads
 * the schemas that UsherError's codes come from.
 *
 * @module
 */
import { didYouMean } from "../schema/nearest.ts";

/** A mistake on the command line or in a file that it names; exit code 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** The error for a word that is not among `known`, with the nearest one. */
export function unknownWord(
  what: string,
  word: string,
  known: readonly string[],
  otherwise: string,
): UsageError {
  const suggestion = didYouMean(word, known);
  return new UsageError(
    `Unknown ${what} "${word}": usher has none of that name`,
    suggestion === "" ? otherwise : `${suggestion} ${otherwise}`,
  );
}
