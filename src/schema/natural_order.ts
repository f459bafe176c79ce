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
  const both = Math.min(a.length, b.length);
  for (let i = 0; i < both;) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (isDigit(x) && isDigit(y)) {
      const left = digitsEnd(a, i);
      const right = digitsEnd(b, i);
      const order = compareNumbers(a, b, i, left, right);
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

/**
 * The digits from `from` to `left` of `a` and to `right` of `b`: by value,
 * however long; the same value by the zeros before it.
 */
function compareNumbers(
  a: string,
  b: string,
  from: number,
  left: number,
  right: number,
): number {
  let i = zerosEnd(a, from, left);
  let j = zerosEnd(b, from, right);
  const longer = (left - i) - (right - j);
  if (longer !== 0) return longer;
  for (; i < left; i++, j++) {
    const order = a.charCodeAt(i) - b.charCodeAt(j);
    if (order !== 0) return order;
  }
  return left - right;
}

function zerosEnd(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && text.charCodeAt(at) === ZERO) at++;
  return at;
}
