/**
 * Addresses as DNS has them: which kind of record, and the name that turns an
 * address back into a name.
 *
 * @module
 */

/** The kind of record that holds an address; null for what is no address. */
export function addressType(address: string): "A" | "AAAA" | null {
  if (isIpv4(address)) return "A";
  return groupsOf(address) === null ? null : "AAAA";
}

/** `1.0.1.10.in-addr.arpa` of 10.1.0.1, or the like of IPv6. */
export function reverseName(address: string): string {
  if (isIpv4(address)) {
    return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  }
  const groups = groupsOf(address);
  if (groups === null) throw new Error(`"${address}" is no address`);
  const digits = groups.map((it) => it.toString(16).padStart(4, "0")).join("");
  return `${[...digits].reverse().join(".")}.ip6.arpa`;
}

/** The longest of `zones` that `name` lies in; null for none. */
export function zoneOf(name: string, zones: readonly string[]): string | null {
  const own = zones.filter((zone) => name.endsWith(`.${zone}`));
  return own.toSorted((a, b) => b.length - a.length)[0] ?? null;
}

function isIpv4(address: string): boolean {
  const parts = address.split(".");
  return parts.length === 4 &&
    parts.every((it) => /^(0|[1-9]\d{0,2})$/.test(it) && Number(it) < 256);
}

/** The eight groups of an IPv6 address; null for what is none. */
function groupsOf(address: string): number[] | null {
  const halves = address.split("::");
  if (halves.length > 2) return null;
  const [head = [], tail] = halves.map((half) =>
    half === "" ? [] : half.split(":")
  );
  const count = head.length + (tail?.length ?? 0);
  if (tail === undefined ? count !== 8 : count > 7) return null;
  const texts = [...head, ...Array(8 - count).fill("0"), ...tail ?? []];
  return texts.every((it) => /^[0-9a-f]{1,4}$/i.test(it))
    ? texts.map((it) => parseInt(it, 16))
    : null;
}
