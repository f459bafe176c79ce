/**
 * Ids: ULIDs, lower case, so that they sort by time and may be domain names.
 *
 * @module
 */

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const RANDOM_LENGTH = 16;

let lastTime = 0;
let lastRandom: number[] = [];

/** A new ULID; ids made one after another in one process sort in that order. */
export function newId(): string {
  const time = Math.max(Date.now(), lastTime);
  if (time === lastTime) increment(lastRandom);
  else lastRandom = randomDigits();
  lastTime = time;
  return encodeTime(time) + lastRandom.map((digit) => ALPHABET[digit]).join("");
}

function randomDigits(): number[] {
  const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_LENGTH));
  return Array.from(bytes, (byte) => byte & 31);
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
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
