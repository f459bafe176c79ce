/**
 * How many columns of a terminal a text takes, and texts cut and padded by
 * that: letters of some scripts and most emoji take two, marks that sit on
 * other letters none.
 *
 * What a terminal draws as one is never cut apart. Plain text, which is nearly
 * all there is, costs a look at its characters. The ranges stand here, since a
 * short command loads no package.
 *
 * @module
 */

/** Nothing in it is wide, joined, or sits on another. */
const PLAIN = /^[\x20-\x7e\xa0-\xac\xae-\u02ff\u2010-\u2027\u2190-\u2193]*$/;

/** Of two columns, by Unicode's East Asian Width (W and F), without emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;
/** Takes no place by itself: marks, joiners, and the rest of a Hangul syllable. */
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]+$/u;
/** Voices the narrow kana before it, and takes a column of its own. */
const NARROW_VOICING = /[\uff9e\uff9f]/;

let segmenter: Intl.Segmenter | undefined;

/** What a terminal draws as one, one after another. */
export function clusters(text: string): string[] {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

function clusterWidth(cluster: string): number {
  if (NO_WIDTH.test(cluster)) return 0;
  const isWide = EMOJI.test(cluster) || WIDE.test(cluster) ||
    cluster.length > 1 && NARROW_VOICING.test(cluster);
  return isWide ? 2 : 1;
}

/** The columns that `text` takes. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  return clusters(text).reduce((sum, it) => sum + clusterWidth(it), 0);
}

/** `text` in at most `width` columns, with `…` where something is left out. */
export function cut(text: string, width: number): string {
  if (text.length <= width && PLAIN.test(text)) return text;
  if (widthOf(text) <= width) return text;
  if (width < 1) return "";
  let kept = "";
  let left = width - 1;
  for (const cluster of clusters(text)) {
    left -= clusterWidth(cluster);
    if (left < 0) break;
    kept += cluster;
  }
  return `${kept}…`;
}

/** `text` with blanks up to `width` columns, behind it or before it. */
export function pad(text: string, width: number, align?: "right"): string {
  const blanks = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "right" ? blanks + text : text + blanks;
}
