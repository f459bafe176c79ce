/**
 * What a VM's arguments say of its addresses.
 *
 * @module
 */
import { formatAddress } from "./address.ts";
import type { Lease } from "./leases.ts";
import type { Range } from "./range.ts";

/** The argument that names the lease. */
export const TOKEN = "lease";

/** Arguments that are set here, and by nobody else. */
export const MANAGED = [
  "ip",
  "prefix",
  "gateway",
  "ip6",
  "prefix6",
  "gateway6",
  "vlan",
  TOKEN,
];

/** The arguments of a VM with these leases, all of one range. */
export function argsFor(
  range: Range,
  leases: readonly Lease[],
): Record<string, string> {
  const args: Record<string, string> = { range: range.name };
  const { vlan } = range.options;
  if (vlan !== undefined) args["vlan"] = String(vlan);
  for (const lease of leases) {
    const pool = range.pools.find((it) => it.family === lease.family);
    if (pool === undefined) continue;
    const suffix = lease.family === 4 ? "" : "6";
    args[`ip${suffix}`] = formatAddress(lease);
    args[`prefix${suffix}`] = String(pool.prefix);
    if (pool.gateway !== null) args[`gateway${suffix}`] = pool.gateway;
    args[TOKEN] = lease.token;
  }
  return args;
}
