/**
 * Ids: ULIDs, lower case, so that they sort by time and may be domain names.
 *
 * @module
 */

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const RANDOM_LENGTH = 16;

/**
 * A maker of ULIDs by the time of `now` and the randomness of `randomBytes`;
 * those it makes one after another sort in that order, also when time goes back.
 */
export function idMaker(
  now: () => number,
  randomBytes: (length: number) => Uint8Array,
): () => string {
  let lastTime = 0;
  let lastRandom: number[] = [];
  return () => {
    const time = Math.max(now(), lastTime);
    if (time === lastTime) increment(lastRandom);
    else {
      lastRandom = Array.from(
        randomBytes(RANDOM_LENGTH),
        (byte) => byte & 31,
      );
    }
    lastTime = time;
    return encodeTime(time) +
      lastRandom.map((digit) => ALPHABET[digit]).join("");
  };
}

/** A new ULID of this process; those made one after another sort in that order. */
export const newId = idMaker(() => Date.now(), systemBytes);

function systemBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

function increment(digits: number[]): void {
  for (let i = digits.length - 1; i >= 0; i--) {
    const next = (digits[i] ?? 0) + 1;
    digits[i] = next & 31;
    if (next < 32) return;
  }
}

function encodeTime(ms: number): string {
  let text = "";
  for (let i = 0, rest = ms; i < 10; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** A secret of 256 bits, in base 64 that needs no escaping in a URL. */
export function newSecret(): string {
  return btoa(String.fromCharCode(...systemBytes(32)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
