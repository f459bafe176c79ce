/**
 * Whom an address stands for where strangers are counted: an IPv6 host has 2^64
 * addresses of its own, and would else never be seen twice.
 *
 * @module
 */

/** An IPv4 address itself, of an IPv6 address its first 64 bits. */
export function networkOf(address: string): string {
  if (!address.includes(":") || /^::ffff:\d+\./i.test(address)) return address;
  const [head = "", tail = ""] = address.split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  const after = tail === "" ? [] : tail.split(":");
  while (groups.length + after.length < 8) groups.push("0");
  return [...groups, ...after].slice(0, 4).join(":");
}
