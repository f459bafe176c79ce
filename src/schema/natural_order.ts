/**
 * The order in which people look for names: numbers within them count as
 * numbers, so `web2` comes before `web10`.
 *
 * The controller sends lists in it and the client keeps it, so that a long
 * list can be shown while it comes. Nothing is cut apart for it: twenty
 * thousand names are sorted before the first of them is sent.
 *
 * @module
 */

const ZERO = 48;
const NINE = 57;

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** Below 0 when `a` comes first, above when `b` does, 0 for the same text. */
export function compareNaturally(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (isDigit(x) && isDigit(y)) {
      const [left, right] = [digitsEnd(a, i), digitsEnd(b, i)];
      const order = compareNumbers(a.slice(i, left), b.slice(i, right));
      if (order !== 0) return order;
      // The same digits, so both end at the same place.
      i = left;
    } else if (x !== y) return x - y;
    else i++;
  }
  return a.length - b.length;
}

function digitsEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && isDigit(text.charCodeAt(end))) end++;
  return end;
}

/** By value, however long; the same value by the zeros before it. */
function compareNumbers(a: string, b: string): number {
  if (a === b) return 0;
  const [x, y] = [a.replace(/^0+/, ""), b.replace(/^0+/, "")];
  if (x.length !== y.length) return x.length - y.length;
  if (x !== y) return x < y ? -1 : 1;
  return a.length - b.length;
}
