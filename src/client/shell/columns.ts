/**
 * How many columns of a terminal a text takes, character by character.
 *
 * A character is what a person takes for one: a letter with the marks that
 * combine with it, a family of emoji. The editor moves, erases and wraps by
 * these, so the cursor never stands inside one.
 *
 * @module
 */

let segmenter: Intl.Segmenter | undefined;

/** `text`, cut into what people take for characters. */
export function characters(text: string): string[] {
  // Almost every line; the segmenter takes a hundred times as long.
  if (/^[\x20-\x7e]*$/.test(text)) return [...text];
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** East Asian wide and full-width letters (Unicode, UAX 11: W and F). */
const WIDE = new RegExp(
  "^[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\ua960-\\ua97f" +
    "\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60" +
    "\\uffe0-\\uffe6\\u{16fe0}-\\u{18aff}\\u{1b000}-\\u{1b2ff}" +
    "\\u{1f200}-\\u{1f2ff}\\u{20000}-\\u{3fffd}]",
  "u",
);
/** Marks without a letter, joiners, and what only directs. */
const WITHOUT_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\u{1160}-\u{11ff}]+$/u;

/** Columns of one character, as `characters()` cuts them. */
export function columnsOf(character: string): 0 | 1 | 2 {
  if (character.length === 1 && character >= " " && character <= "~") return 1;
  if (WITHOUT_WIDTH.test(character)) return 0;
  // A sign that asks for its colourful form is as wide as an emoji.
  const isEmoji = /^\p{Emoji_Presentation}|\ufe0f/u.test(character);
  return isEmoji || WIDE.test(character) ? 2 : 1;
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
