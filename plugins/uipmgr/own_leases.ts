/**
 * Leases in the plugin's own space, for sites without PostgreSQL.
 *
 * 128 neighbouring addresses are one value there, and each change is written
 * only if that value is still what it was made from. What was read is kept
 * here, to choose by; what is not then written is read anew first, since the
 * process of an older version may still be writing.
 *
 * @module
 */
import type { Json, PluginContext } from "@usher/plugin";
import { BITS, type Family } from "./address.ts";
import {
  choose,
  isSame,
  type Known,
  type Lease,
  type LeaseKey,
  type Leases,
  type Want,
} from "./leases.ts";
import type { Pool } from "./range.ts";

const PREFIX = "lease/";
/** So many that a block of long names fits into one value. */
const BLOCK_BITS = 7n;
const LOW = (1n << BLOCK_BITS) - 1n;
/** How many blocks one commit may change, for its size. */
const BLOCKS_AT_ONCE = 8;
const MAX_TRIES = 20;

/** A lease as it is kept, under the low digits of its address; without a request once it is bound. */
type Kept = readonly [...Fields] | readonly [...Fields, request: string];
type Fields = [
  token: string,
  vm: string,
  uid: string | null,
  range: string,
  at: number,
];
type Block = { readonly [low: string]: Kept };

type State = PluginContext["state"];

/** What all registrations of the plugin know of its space. */
const BLOCKS = new Map<string, Block>();
const READ = new Set<string>();
let turn: Promise<unknown> = Promise.resolve();

/** Leases in `ctx.state`. */
export class OwnLeases implements Leases {
  readonly #state: State;
  readonly #pools: readonly Pool[];

  constructor(state: State, pools: readonly Pool[]) {
    this.#state = state;
    this.#pools = pools;
  }

  take(wants: readonly Want[], now: number): Promise<(Lease | null)[]> {
    return inTurn(async () => {
      for (const { pool } of wants) await this.#readPool(pool);
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const chosen = choose(wants, known(wants), now);
        if (await this.#isOld(wants, chosen)) continue;
        if (await this.#write(chosen)) return chosen;
      }
      throw new Error("Somebody else goes on taking the same addresses");
    });
  }

  peek(wants: readonly Want[], now: number): Promise<(Lease | null)[]> {
    return inTurn(async () => {
      await this.#refresh([
        ...new Set(wants.flatMap(({ pool }) => keysOf(pool))),
      ]);
      return choose(wants, known(wants), now);
    });
  }

  get(family: Family, value: bigint): Promise<Lease | null> {
    return inTurn(async () => {
      await this.#refresh([keyOf(family, value)]);
      return leaseAt(family, value);
    });
  }

  bind(key: LeaseKey, uid: string): Promise<boolean> {
    return this.#change(key, (lease) => ({ ...lease, uid, request: null }));
  }

  release(key: LeaseKey): Promise<boolean> {
    return this.#change(key, () => null);
  }

  releaseSeen(seen: Lease): Promise<boolean> {
    return this.#change(seen, () => null, (it) => isSame(it, seen));
  }

  list(): Promise<Lease[]> {
    return inTurn(async () => {
      const keys = [...new Set(this.#pools.flatMap(keysOf))];
      await this.#refresh(keys);
      return keys.flatMap(leasesOf);
    });
  }

  #change(
    { family, value, token }: LeaseKey,
    change: (lease: Lease) => Lease | null,
    isMeant = (lease: Lease) => lease.token === token,
  ): Promise<boolean> {
    const key = keyOf(family, value);
    return inTurn(async () => {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        await this.#refresh([key]);
        const lease = leaseAt(family, value);
        if (lease === null || !isMeant(lease)) return false;
        const next = blockWith(BLOCKS.get(key) ?? {}, value, change(lease));
        if (await this.#commit([[key, next]])) return true;
      }
      throw new Error("Somebody else goes on changing the same addresses");
    });
  }

  /** Writes leases that are new or taken anew, some blocks at a time. False when somebody else has written. */
  async #write(leases: readonly (Lease | null)[]): Promise<boolean> {
    const changed = new Map<string, Block>();
    for (const lease of leases) {
      if (lease === null) continue;
      const { family, value } = lease;
      if (isWritten(lease)) continue;
      const key = keyOf(family, value);
      const before = changed.get(key) ?? BLOCKS.get(key) ?? {};
      changed.set(key, blockWith(before, value, lease));
    }
    const all = [...changed];
    for (let at = 0; at < all.length; at += BLOCKS_AT_ONCE) {
      if (!await this.#commit(all.slice(at, at + BLOCKS_AT_ONCE))) return false;
    }
    return true;
  }

  async #commit(blocks: readonly (readonly [string, Block])[]) {
    const isWritten = await this.#state.commit(
      blocks.map(([key, block]) => ({ key, value: jsonOf(block) })),
      blocks.map(([key]) => ({ key, value: jsonOf(BLOCKS.get(key) ?? {}) })),
    );
    for (const [key, block] of blocks) {
      if (isWritten) BLOCKS.set(key, block);
    }
    if (!isWritten) await this.#refresh(blocks.map(([key]) => key));
    return isWritten;
  }

  /** Whether what was chosen without a write came of something that has changed since. */
  async #isOld(
    wants: readonly Want[],
    chosen: readonly (Lease | null)[],
  ): Promise<boolean> {
    const unwritten = wants.flatMap(({ pool }, index) => {
      const lease = chosen[index];
      if (lease === null || lease === undefined) return keysOf(pool);
      const { family, value } = lease;
      return isWritten(lease) ? [keyOf(family, value)] : [];
    });
    return await this.#refresh([...new Set(unwritten)]);
  }

  /** Reads blocks anew; whether any is another than it was. */
  async #refresh(keys: readonly string[]): Promise<boolean> {
    let isChanged = false;
    for (const key of keys) {
      const before = JSON.stringify(BLOCKS.get(key));
      READ.delete(key);
      await this.#readBlock(key);
      isChanged ||= before !== undefined &&
        before !== JSON.stringify(BLOCKS.get(key));
    }
    return isChanged;
  }

  async #readPool(pool: Pool): Promise<void> {
    for (const key of keysOf(pool)) await this.#readBlock(key);
  }

  async #readBlock(key: string): Promise<void> {
    if (READ.has(key)) return;
    const value = await this.#state.get(key);
    BLOCKS.set(key, (value ?? {}) as unknown as Block);
    READ.add(key);
  }
}

/** Forgets what was read; for tests, which have many spaces. */
export function forgetRead(): void {
  BLOCKS.clear();
  READ.clear();
}

/** One change after another, whichever registration makes it. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = turn.then(work);
  turn = result.catch(() => {});
  return result;
}

/** What was read of the pools that `wants` are about. */
function known(wants: readonly Want[]): Known {
  const tokens = new Map<string, Lease>();
  for (const pool of new Set(wants.map((want) => want.pool))) {
    for (const lease of keysOf(pool).flatMap(leasesOf)) {
      tokens.set(tokenKey(lease), lease);
    }
  }
  return {
    isTaken: (family, value) => leaseAt(family, value) !== null,
    byToken: (token, family) => tokens.get(tokenKey({ token, family })),
  };
}

function tokenKey({ token, family }: Pick<Lease, "token" | "family">): string {
  return `${family}/${token}`;
}

/** The blocks that the addresses of a pool lie in. */
function keysOf({ family, first, last }: Pool): string[] {
  const step = 1n << BLOCK_BITS;
  const keys: string[] = [];
  for (let at = first - first % step; at <= last; at += step) {
    keys.push(keyOf(family, at));
  }
  return keys;
}

function leasesOf(key: string): Lease[] {
  const [family, high = ""] = key.slice(PREFIX.length).split("/");
  return Object.entries(BLOCKS.get(key) ?? {}).map(([low, kept]) =>
    leaseOf(
      Number(family) as Family,
      BigInt(`0x${high}`) << BLOCK_BITS | BigInt(`0x${low}`),
      kept,
    )
  );
}

function leaseAt(family: Family, value: bigint): Lease | null {
  const kept = BLOCKS.get(keyOf(family, value))?.[lowOf(value)];
  return kept === undefined ? null : leaseOf(family, value, kept);
}

/** Whether this very lease was read. */
function isWritten(lease: Lease): boolean {
  const there = leaseAt(lease.family, lease.value);
  return there !== null && isSame(there, lease);
}

function leaseOf(family: Family, value: bigint, kept: Kept): Lease {
  const [token, vm, uid, range, at, request = null] = kept;
  return { family, value, token, vm, uid, range, at, request };
}

function blockWith(block: Block, value: bigint, lease: Lease | null): Block {
  const low = lowOf(value);
  const { [low]: _, ...others } = block;
  if (lease === null) return others;
  const { token, vm, uid, range, at, request } = lease;
  const kept: Kept = request === null
    ? [token, vm, uid, range, at]
    : [token, vm, uid, range, at, request];
  return { ...others, [low]: kept };
}

/** A value that is empty is none. */
function jsonOf(block: Block): Json {
  return Object.keys(block).length === 0 ? null : block;
}

function keyOf(family: Family, value: bigint): string {
  const digits = Math.ceil((BITS[family] - Number(BLOCK_BITS)) / 4);
  const high = (value >> BLOCK_BITS).toString(16).padStart(digits, "0");
  return `${PREFIX}${family}/${high}`;
}

function lowOf(value: bigint): string {
  return (value & LOW).toString(16).padStart(2, "0");
}
