/**
 * Passwords: PBKDF2 with SHA-256 (RFC 8018), with the number of iterations kept
 * in the hash, so that it can grow and old hashes go on working.
 *
 * Form of a hash: `pbkdf2-sha256$600000$SALT$KEY`, the last two in base 64 that
 * needs no escaping in a URL. A derivation costs time and no memory, so logins
 * side by side cannot swell the controller; `docs/decisions/` says more.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import { UsherError } from "../../error/mod.ts";

interface Hash {
  readonly iterations: number;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly key: Uint8Array<ArrayBuffer>;
}

/** What OWASP asks of PBKDF2-HMAC-SHA256. */
const ITERATIONS = 600_000;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
const MAX_ITERATIONS = 10_000_000;
/** Letters of the shortest salt and key that are taken: 16 bytes. */
const LEAST_TEXT = 22;

/** What an unknown account is compared with, so that it takes the same time. */
const NOBODY: Hash = {
  iterations: ITERATIONS,
  salt: new Uint8Array(SALT_BYTES),
  key: new Uint8Array(KEY_BYTES),
};

const FORM = /^pbkdf2-sha256\$(\d{1,8})\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]+)$/;

/** Derivations that may run at once, and wait for their turn. */
const RUNNING_LIMIT = 2;
const WAITING_LIMIT = 64;

let running = 0;
const waiting: (() => void)[] = [];

/** A hash of `password` with a salt of its own. */
export async function hashPassword(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const key = await derive(password, {
    iterations: ITERATIONS,
    salt,
    key: new Uint8Array(KEY_BYTES),
  });
  return `pbkdf2-sha256$${ITERATIONS}$${toText(salt)}$${toText(key)}`;
}

/**
 * Whether `password` is the one that `hash` was made from. Null stands for an
 * account that is not there: it takes the same work and answers false. Throws
 * `too_many_requests` when too many are being checked already.
 */
export async function verifyPassword(
  password: string,
  hash: string | null,
): Promise<boolean> {
  const known = hash === null ? null : parseHash(hash);
  const compared = known ?? NOBODY;
  const derived = await derive(password, compared);
  return timingSafeEqual(derived, compared.key) && known !== null;
}

/** Whether `hash` was made with less work than a new one would be. */
export function needsRehash(hash: string): boolean {
  return (parseHash(hash)?.iterations ?? 0) < ITERATIONS;
}

function parseHash(text: string): Hash | null {
  const [, count, salt = "", key = ""] = FORM.exec(text) ?? [];
  const iterations = Number(count);
  const isSane = iterations >= 1 && iterations <= MAX_ITERATIONS &&
    salt.length >= LEAST_TEXT && key.length >= LEAST_TEXT;
  return isSane
    ? { iterations, salt: fromText(salt), key: fromText(key) }
    : null;
}

/** The key that `password` gives with the salt and the work of `hash`. */
async function derive(
  password: string,
  { iterations, salt, key }: Hash,
): Promise<Uint8Array> {
  await enter();
  try {
    const secret = new TextEncoder().encode(password.normalize("NFC"));
    const base = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, [
      "deriveBits",
    ]);
    const work = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
    const bits = await crypto.subtle.deriveBits(work, base, key.length * 8);
    return new Uint8Array(bits);
  } finally {
    leave();
  }
}

async function enter(): Promise<void> {
  if (running < RUNNING_LIMIT) {
    running++;
    return;
  }
  if (waiting.length >= WAITING_LIMIT) {
    throw new UsherError("too_many_requests", "Too many logins at once", {
      hint: "Try again in a moment",
    });
  }
  await new Promise<void>((resolve) => waiting.push(resolve));
}

/** Hands the place to the next in line, or frees it. */
function leave(): void {
  const next = waiting.shift();
  if (next === undefined) running--;
  else next();
}

function toText(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll(
    "/",
    "_",
  ).replaceAll("=", "");
}

function fromText(text: string): Uint8Array<ArrayBuffer> {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
