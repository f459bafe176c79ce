/**
 * Ranges: the addresses that VMs may have, by name, and what comes with one.
 *
 * @module
 */
import {
  type Family,
  formatAddress,
  lastOf,
  parseAddress,
  parseNetwork,
} from "./address.ts";

/** What the configuration says of the addresses of one family. */
export interface PoolOptions {
  readonly network: string;
  readonly first?: string | undefined;
  readonly last?: string | undefined;
  readonly gateway?: string | undefined;
  readonly exclude: readonly string[];
}

/** What the configuration says of one range. */
export interface RangeOptions {
  readonly ipv4?: PoolOptions | undefined;
  readonly ipv6?: PoolOptions | undefined;
  readonly vlan?: number | undefined;
  readonly bridge?: string | undefined;
  readonly users?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
}

/** The addresses of one family in one range. */
export interface Pool {
  readonly range: string;
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
  readonly prefix: number;
  readonly gateway: string | null;
  /** Addresses between the two that no VM gets. */
  readonly excluded: ReadonlySet<bigint>;
}

/** A range of the site. */
export interface Range {
  readonly name: string;
  readonly pools: readonly Pool[];
  readonly options: RangeOptions;
}

/** The most addresses of one pool: what is known of each is kept in memory. */
export const MAX_POOL = 1n << 20n;
/** How many of a network are used when nothing says where to end. */
const DEFAULT_POOL = 1n << 16n;

/** Reads the ranges of the configuration. Throws what is wrong with one, by name. */
export function readRanges(
  options: Readonly<Record<string, RangeOptions>>,
): Map<string, Range> {
  const ranges = new Map<string, Range>();
  for (const [name, range] of Object.entries(options)) {
    const pools = ([[4, range.ipv4], [6, range.ipv6]] as const).flatMap(
      ([family, pool]) =>
        pool === undefined ? [] : [readPool(name, family, pool)],
    );
    if (pools.length === 0) {
      throw new Error(`Range "${name}" has neither ipv4 nor ipv6`);
    }
    ranges.set(name, { name, pools, options: range });
  }
  refuseOverlap([...ranges.values()].flatMap(({ pools }) => pools));
  return ranges;
}

/** Whether somebody may have addresses of a range. */
export function mayUse(
  { options }: Range,
  { user, role, groups }: {
    readonly user: string;
    readonly role: string;
    readonly groups: readonly string[];
  },
): boolean {
  if (role === "admin") return true;
  if (options.users === undefined && options.groups === undefined) return true;
  return (options.users ?? []).includes(user) ||
    groups.some((group) => (options.groups ?? []).includes(group));
}

/** Addresses that are free, the lowest first; `isTaken` is asked as each is reached. */
export function* freeIn(
  pool: Pool,
  isTaken: (address: bigint) => boolean,
): Generator<bigint> {
  for (let at = pool.first; at <= pool.last; at++) {
    if (!pool.excluded.has(at) && !isTaken(at)) yield at;
  }
}

/** Whether an address is one that this pool may give out. */
export function isIn(pool: Pool, value: bigint): boolean {
  return value >= pool.first && value <= pool.last && !pool.excluded.has(value);
}

function readPool(range: string, family: Family, options: PoolOptions): Pool {
  const what = `Range "${range}", ipv${family}`;
  const network = parseNetwork(options.network);
  if (network?.family !== family) {
    throw new Error(
      `${what}: network "${options.network}" is no network of IPv${family}, such as ${
        family === 4 ? "10.1.0.0/24" : "2001:db8:1::/64"
      }`,
    );
  }
  const end = lastOf(network);
  const read = (key: string, text: string): bigint => {
    const address = parseAddress(text);
    const isInside = address?.family === family &&
      address.value >= network.value && address.value <= end;
    if (!isInside) {
      throw new Error(
        `${what}: ${key} "${text}" is no address of ${options.network}`,
      );
    }
    return address.value;
  };
  const { first: from, last: to, gateway } = options;
  // The first of a network is the network itself, and the last of an IPv4 one all of it.
  const isSmall = end - network.value < 2n;
  const first = from === undefined
    ? network.value + (isSmall ? 0n : 1n)
    : read("first", from);
  const highest = family === 4 && !isSmall ? end - 1n : end;
  const last = to === undefined
    ? least(highest, first + DEFAULT_POOL - 1n)
    : read("last", to);
  if (last < first) throw new Error(`${what}: last is before first`);
  if (last - first >= MAX_POOL) {
    throw new Error(
      `${what}: ${MAX_POOL} addresses are the most: set first and last`,
    );
  }
  const excluded = options.exclude.map((it) => read("exclude", it));
  if (gateway !== undefined) excluded.push(read("gateway", gateway));
  return {
    range,
    family,
    first,
    last,
    prefix: network.prefix,
    gateway: gateway === undefined
      ? null
      : formatAddress({ family, value: read("gateway", gateway) }),
    excluded: new Set(excluded),
  };
}

function refuseOverlap(pools: readonly Pool[]): void {
  const ordered = pools.toSorted((a, b) =>
    a.family - b.family || (a.first < b.first ? -1 : 1)
  );
  for (const [index, pool] of ordered.entries()) {
    const next = ordered[index + 1];
    if (next?.family === pool.family && next.first <= pool.last) {
      throw new Error(
        `Ranges "${pool.range}" and "${next.range}" overlap at ${
          formatAddress({ family: next.family, value: next.first })
        }`,
      );
    }
  }
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
