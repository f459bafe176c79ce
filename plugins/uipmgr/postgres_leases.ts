/**
 * Leases in PostgreSQL: an address is the key of its row, so it cannot be
 * there twice, whoever writes.
 *
 * Who takes addresses of a range waits for others who do, and so sees all that
 * they took; a row that comes in past that lock makes the insert, not the
 * promise, fail.
 *
 * @module
 */
import { type Family, formatAddress, parseAddress } from "./address.ts";
import { migrate, type Sql, type Transaction } from "../shared/postgres.ts";
import {
  choose,
  isSame,
  type Known,
  type Lease,
  type LeaseKey,
  type Leases,
  type Want,
} from "./leases.ts";

/** The tables, each version over the one before. Append only. */
const VERSIONS = [
  `create table usher_ip.lease (
     address inet primary key,
     site text not null,
     range text not null,
     vm text not null,
     uid text,
     token text not null,
     at timestamptz not null
   );
   create unique index lease_token on usher_ip.lease (token, family(address));
   create index lease_site on usher_ip.lease (site)`,
  `alter table usher_ip.lease add column request text`,
];

const MAX_TRIES = 5;
/** How many rows one statement writes. */
const ROWS = 1000;

interface Row {
  readonly address: string;
  readonly range: string;
  readonly vm: string;
  readonly uid: string | null;
  readonly token: string;
  readonly at: Date;
  readonly request: string | null;
}

/** Leases of one site in a table that several sites may share. */
export class PostgresLeases implements Leases {
  readonly #sql: Sql;
  readonly #site: string;

  private constructor(sql: Sql, site: string) {
    this.#sql = sql;
    this.#site = site;
  }

  /** Makes or updates the tables. */
  static async open(sql: Sql, site: string): Promise<PostgresLeases> {
    await migrate(sql, "usher_ip", VERSIONS);
    return new PostgresLeases(sql, site);
  }

  async take(wants: readonly Want[], now: number): Promise<(Lease | null)[]> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const taken = await this.#take(wants, now);
      if (taken !== null) return taken;
    }
    throw new Error("Somebody else goes on taking the same addresses");
  }

  async peek(wants: readonly Want[], now: number): Promise<(Lease | null)[]> {
    return choose(wants, await known(this.#sql, wants), now);
  }

  async get(family: Family, value: bigint): Promise<Lease | null> {
    const address = formatAddress({ family, value });
    const rows = await this.#sql<Row[]>`
      select host(address) as address, range, vm, uid, token, at, request
      from usher_ip.lease where address = ${address} and site = ${this.#site}`;
    return rows.map(leaseOf)[0] ?? null;
  }

  async bind({ family, value, token }: LeaseKey, uid: string) {
    const address = formatAddress({ family, value });
    const { count } = await this.#sql`
      update usher_ip.lease set uid = ${uid}, request = null
      where address = ${address} and site = ${this.#site} and token = ${token}`;
    return count > 0;
  }

  async release({ family, value, token }: LeaseKey): Promise<boolean> {
    const address = formatAddress({ family, value });
    const { count } = await this.#sql`
      delete from usher_ip.lease
      where address = ${address} and site = ${this.#site} and token = ${token}`;
    return count > 0;
  }

  async releaseSeen(
    { family, value, token, uid, at }: Lease,
  ): Promise<boolean> {
    const address = formatAddress({ family, value });
    const { count } = await this.#sql`
      delete from usher_ip.lease
      where address = ${address} and site = ${this.#site}
        and token = ${token} and uid is not distinct from ${uid}
        and at = ${new Date(at)}`;
    return count > 0;
  }

  async list(): Promise<Lease[]> {
    const rows = await this.#sql<Row[]>`
      select host(address) as address, range, vm, uid, token, at, request
      from usher_ip.lease where site = ${this.#site}`;
    return rows.map(leaseOf);
  }

  /** Null when somebody else took one of them first. */
  async #take(
    wants: readonly Want[],
    now: number,
  ): Promise<(Lease | null)[] | null> {
    return await this.#sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(hashtext('usher_ip.take'))`;
      const before = await known(tx, wants);
      const chosen = choose(wants, before, now);
      const all = chosen.filter((it) => it !== null);
      const byToken = (it: Lease) => before.byToken(it.token, it.family);
      const fresh = all.filter((it) => byToken(it) === undefined);
      for (const again of all) {
        const there = byToken(again);
        if (there === undefined || isSame(there, again)) continue;
        if (!await renew(again, this.#site, tx)) throw new Lost();
      }
      for (let from = 0; from < fresh.length; from += ROWS) {
        const rows = fresh.slice(from, from + ROWS)
          .map((it) => rowOf(it, this.#site));
        const { count } = await tx`
          insert into usher_ip.lease ${tx(rows)} on conflict do nothing`;
        if (count < rows.length) throw new Lost();
      }
      return chosen;
    }).catch((error) => {
      if (error instanceof Lost) return null;
      throw error;
    });
  }
}

/** Writes when a lease was taken anew; false when it is no longer there. */
async function renew(
  { family, value, token, at }: Lease,
  site: string,
  tx: Transaction,
): Promise<boolean> {
  const address = formatAddress({ family, value });
  const { count } = await tx`
    update usher_ip.lease set at = ${new Date(at)}
    where address = ${address} and site = ${site} and token = ${token}`;
  return count > 0;
}

/** Somebody else was quicker; the transaction is undone. */
class Lost extends Error {
  override readonly name = "Lost";
}

async function known(
  tx: Sql | Transaction,
  wants: readonly Want[],
): Promise<Known> {
  const tokens = [...new Set(wants.map(({ token }) => token))];
  const taken = new Set<string>();
  const leases: Lease[] = [];
  for (const pool of new Set(wants.map((want) => want.pool))) {
    const { family } = pool;
    const [first, last] = [pool.first, pool.last].map((value) =>
      formatAddress({ family, value })
    );
    // Of the others no more than that they are there, and in one row: a pool
    // may have thousands, and each start waits for this.
    const [all] = await tx<{ addresses: string | null }[]>`
      select string_agg(host(address), ' ') as addresses from usher_ip.lease
      where address >= ${first ?? ""} and address <= ${last ?? ""}`;
    for (const address of all?.addresses?.split(" ") ?? []) taken.add(address);
    const own = await tx<Row[]>`
      select host(address) as address, range, vm, uid, token, at, request
      from usher_ip.lease where token = any(${tokens})
        and address >= ${first ?? ""} and address <= ${last ?? ""}`;
    leases.push(...own.map(leaseOf));
  }
  const byToken = new Map(
    leases.map((it) => [`${it.family}/${it.token}`, it]),
  );
  return {
    isTaken: (family, value) => taken.has(formatAddress({ family, value })),
    byToken: (token, family) => byToken.get(`${family}/${token}`),
  };
}

function rowOf(
  { family, value, range, vm, uid, token, at, request }: Lease,
  site: string,
) {
  const address = formatAddress({ family, value });
  return { address, site, range, vm, uid, token, at: new Date(at), request };
}

function leaseOf(
  { address, range, vm, uid, token, at, request }: Row,
): Lease {
  const parsed = parseAddress(address);
  if (parsed === null) throw new Error(`"${address}" is no address`);
  return { ...parsed, range, vm, uid, token, at: at.getTime(), request };
}
