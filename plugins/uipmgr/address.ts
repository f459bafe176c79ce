/**
 * Internet addresses as numbers, and back.
 *
 * @module
 */

/** The kinds of addresses, and how many bits each has. */
export const BITS = { 4: 32, 6: 128 } as const;

/** IPv4 or IPv6. */
export type Family = keyof typeof BITS;

/** An address. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A network in CIDR notation. */
export interface Network extends Address {
  readonly prefix: number;
}

/** Reads an address; null for what is none. */
export function parseAddress(text: string): Address | null {
  if (text.includes(":")) return parseIpv6(text);
  const parts = text.split(".");
  const isRight = parts.length === 4 &&
    parts.every((it) => /^(0|[1-9]\d{0,2})$/.test(it) && Number(it) < 256);
  if (!isRight) return null;
  const value = parts.reduce((sum, it) => sum << 8n | BigInt(it), 0n);
  return { family: 4, value };
}

/** An address in its one canonical spelling (RFC 5952). */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) {
    return [24n, 16n, 8n, 0n].map((by) => value >> by & 0xffn).join(".");
  }
  const groups = Array.from(
    { length: 8 },
    (_, i) => (value >> BigInt(112 - 16 * i) & 0xffffn).toString(16),
  );
  const { at, length } = longestZeros(groups);
  if (length < 2) return groups.join(":");
  const head = groups.slice(0, at).join(":");
  return `${head}::${groups.slice(at + length).join(":")}`;
}

/** Reads `10.1.0.0/24`; null for what is none, or has bits outside the network. */
export function parseNetwork(text: string): Network | null {
  const [start = "", length = "", ...more] = text.split("/");
  const address = parseAddress(start);
  if (address === null || more.length > 0 || !/^\d{1,3}$/.test(length)) {
    return null;
  }
  const prefix = Number(length);
  if (prefix > BITS[address.family]) return null;
  const hosts = 1n << BigInt(BITS[address.family] - prefix);
  return address.value % hosts === 0n ? { ...address, prefix } : null;
}

/** The last address of a network. */
export function lastOf({ family, value, prefix }: Network): bigint {
  return value + (1n << BigInt(BITS[family] - prefix)) - 1n;
}

function parseIpv6(text: string): Address | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head = [], tail] = halves.map((half) =>
    half === "" ? [] : half.split(":")
  );
  const count = head.length + (tail?.length ?? 0);
  if (tail === undefined ? count !== 8 : count > 7) return null;
  const zeros = Array<string>(8 - count).fill("0");
  const groups = [...head, ...zeros, ...tail ?? []];
  if (!groups.every((it) => /^[0-9a-f]{1,4}$/i.test(it))) return null;
  const value = groups.reduce((sum, it) => sum << 16n | BigInt(`0x${it}`), 0n);
  return { family: 6, value };
}

/** The longest run of zeros, the first of several. */
function longestZeros(groups: readonly string[]): {
  at: number;
  length: number;
} {
  let best = { at: 0, length: 0 };
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === "0") length++;
    if (length > best.length) best = { at, length };
  }
  return best;
}
