/**
 * A line's words, as a shell takes them apart: as much of it as examples use.
 *
 * @module
 */

/** The words of `line`; quotes are taken off, variables are left alone. */
export function splitWords(line: string): string[] {
  const words = line.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [];
  return words.map((word) =>
    word.replace(
      /'([^']*)'|"([^"]*)"/g,
      (_, single, double) => single ?? double,
    )
  );
}
