/**
 * How many columns of a terminal a text takes, character by character.
 *
 * A character is what a person takes for one: a letter with the marks that
 * combine with it, a family of emoji. The editor moves, erases and wraps by
 * these, so the cursor never stands inside one.
 *
 * @module
 */

import { clusters, widthOf } from "../render/width.ts";

/** `text`, cut into what people take for characters. */
export function characters(text: string): string[] {
  // Almost every line; the segmenter takes a hundred times as long.
  return /^[\x20-\x7e]*$/.test(text) ? [...text] : clusters(text);
}

/** Columns of one character, as `characters()` cuts them. */
export function columnsOf(character: string): number {
  return widthOf(character);
}

/**
 * A character as it may be shown: what would move the cursor or turn the
 * terminal over, as `^J`.
 */
export function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return `^${String.fromCharCode(code + 64)}`;
  if (code === 0x7f) return "^?";
  return code >= 0x80 && code < 0xa0 ? "\ufffd" : character;
}
