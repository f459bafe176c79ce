/**
 * A mistake in the configuration of plugins: the key it stands at, and what is
 * wrong there. Whoever has the file says which line that is.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { didYouMean } from "../../schema/nearest.ts";

/** Keys from the top of ctrl.yaml down to one value. */
export type KeyPath = readonly (string | number)[];

/** Says where a key stands, as `/etc/usher/ctrl.yaml:12:5`; null when no file has it. */
export type Locate = (path: KeyPath) => string | null;

/** For configurations that come from no file. */
export function nowhere(): null {
  return null;
}

/** Something wrong at one key. */
export interface Mistake {
  readonly path: KeyPath;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** The error for `mistake`: `FILE:LINE:COLUMN: KEY: MESSAGE`. */
export function mistakeError(
  { path, message, hint }: Mistake,
  locate: Locate,
): UsherError {
  const key = path.join(".");
  const place = locate(path);
  return new UsherError(
    "invalid_input",
    `${place === null ? "ctrl configuration" : place}: ${key}: ${message}`,
    { field: key, ...(hint === undefined ? {} : { hint }) },
  );
}

/** A hint that names the nearest of `known`, or all of them when none is near. */
export function meant(word: string, known: readonly string[]): string {
  const near = didYouMean(word, known);
  if (near !== "") return near;
  return known.length === 0
    ? "nothing may stand here"
    : `known here: ${known.toSorted().join(", ")}`;
}

/** A message as what follows a key. */
export function lowered(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
