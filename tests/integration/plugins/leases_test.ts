/**
 * Leases of addresses: the promises of `plugins/uipmgr/leases.ts`, kept by
 * PostgreSQL and by the plugin's own space, with many who take at once.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { Json, PluginContext } from "@usher/plugin";
import { openDatabase } from "../../../plugins/shared/postgres.ts";
import type { Lease, Leases, Want } from "../../../plugins/uipmgr/leases.ts";
import { forgetRead, OwnLeases } from "../../../plugins/uipmgr/own_leases.ts";
// A second copy of the module, as a second process would have.
import * as elsewhere from "../../../plugins/uipmgr/own_leases.ts?elsewhere";
import { PostgresLeases } from "../../../plugins/uipmgr/postgres_leases.ts";
import { type Pool, readRanges } from "../../../plugins/uipmgr/range.ts";
import { BenchSite } from "../../support/plugin_bench.ts";
import { PostgresServer } from "../../support/postgres_server.ts";

const POOLS = poolsOf({
  lab: {
    ipv4: {
      network: "10.1.0.0/24",
      first: "10.1.0.126",
      last: "10.1.0.133",
      gateway: "10.1.0.128",
      exclude: [],
    },
    ipv6: { network: "2001:db8:1::/64", exclude: [] },
  },
});
const [V4, V6] = POOLS as [Pool, Pool];
/** Addresses of the IPv4 pool without its gateway. */
const SIZE = 7;

/** Leases, and the same as another process would see them. */
interface World extends AsyncDisposable {
  readonly leases: Leases;
  other(): Leases;
}

const KINDS: Readonly<
  Record<string, (server: PostgresServer) => Promise<World>>
> = {
  "PostgreSQL": async (server) => {
    const database = await server.database();
    const sql = () => openDatabase({ ...server.login, database, ca: null });
    const first = sql();
    const second = sql();
    // Both at once make the tables.
    const [leases, other] = await Promise.all([
      PostgresLeases.open(first, "usher"),
      PostgresLeases.open(second, "usher"),
    ]);
    return {
      leases,
      other: () => other,
      [Symbol.asyncDispose]: async () => {
        await Promise.all([first.end(), second.end()]);
      },
    };
  },
  "its own space": () => {
    forgetRead();
    elsewhere.forgetRead();
    const state = stateOf(new BenchSite());
    return Promise.resolve({
      leases: new OwnLeases(state, POOLS),
      other: () => new elsewhere.OwnLeases(state, POOLS),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
};

Deno.test("leases keep their promises, wherever they are kept", async (t) => {
  await using server = await PostgresServer.start();
  for (const [kind, open] of Object.entries(KINDS)) {
    const step = (name: string, run: (world: World) => Promise<void>) =>
      t.step(`${kind}: ${name}`, async () => {
        await using world = await open(server);
        await run(world);
      });
    await step("the lowest that are free, of both families", lowest);
    await step("no address twice, with many who take at once", manyAtOnce);
    await step("the same decision takes nothing more", again);
    await step("only the token binds and ends a lease", byToken);
    await step("an address by number, and one that is taken", byNumber);
    await step("a full range gives what is left", full);
    await step("who saw a lease ends that one, and not one taken anew", seen);
    await step("what another process wrote is seen", another);
  }
  await t.step(
    "PostgreSQL: tables of version 1 are brought up to date, with what they hold",
    () => firstVersion(server),
  );
  for (const [kind, open] of Object.entries(KINDS)) {
    await t.step(`${kind}: any history gives no address twice`, async () => {
      await using world = await open(server);
      await anyHistory(world);
    });
  }
});

/** As the first version of the plugin left them. */
const VERSION_1 = `
create schema usher_ip;
create table usher_ip.version (version int not null);
insert into usher_ip.version values (1);
create table usher_ip.lease (
  address inet primary key, site text not null, range text not null,
  vm text not null, uid text, token text not null, at timestamptz not null);
create unique index lease_token on usher_ip.lease (token, family(address));
create index lease_site on usher_ip.lease (site);
insert into usher_ip.lease values
  ('10.1.0.126', 'usher', 'lab', 'a', 'uid-1', 'token-a', now()),
  ('10.1.0.127', 'usher', 'lab', 'b', null, 'token-b', now())`;

async function firstVersion(server: PostgresServer): Promise<void> {
  const database = await server.database();
  await using sql = server.connect(database);
  await sql.unsafe(VERSION_1);
  const leases = await PostgresLeases.open(sql, "usher");
  deepStrictEqual(
    (await leases.list()).map(({ vm, uid, request }) => [vm, uid, request]),
    [["a", "uid-1", null], ["b", null, null]],
  );
  const [a, c] = await leases.take([want("a", V4), want("c", V4)], 1);
  deepStrictEqual([a?.value, c?.value], [V4.first, V4.first + 3n]);
  // Twice is once.
  await PostgresLeases.open(sql, "usher");
}

async function lowest({ leases }: World): Promise<void> {
  const taken = await leases.take(
    [want("a", V4), want("a", V6), want("b", V4), want("c", V4)],
    1,
  );
  deepStrictEqual(taken.map((it) => it && it.value - firstOf(it)), [
    0n,
    0n,
    1n,
    // The gateway is passed over.
    3n,
  ]);
  deepStrictEqual((await leases.list()).length, 4);
}

async function manyAtOnce({ leases, other }: World): Promise<void> {
  const others = other();
  const taken = await Promise.all(
    Array.from(
      { length: 20 },
      (_, i) => (i % 2 === 0 ? leases : others).take([want(`vm${i}`, V4)], i),
    ),
  );
  const values = taken.flat().flatMap((it) => it === null ? [] : [it.value]);
  strictEqual(values.length, SIZE);
  strictEqual(new Set(values).size, SIZE);
}

async function again({ leases }: World): Promise<void> {
  const [first] = await leases.take([want("a", V4)], 1);
  const [second] = await leases.take([want("a", V4)], 2);
  deepStrictEqual(second, { ...first, at: 2 });
  const both = await leases.take([want("a", V4), want("b", V4)], 3);
  deepStrictEqual(both[0], { ...first, at: 3 });
  strictEqual((await leases.list()).length, 2);
}

async function byToken({ leases }: World): Promise<void> {
  const [lease] = await leases.take([want("a", V4)], 1) as [Lease];
  const wrong = { ...lease, token: "another" };
  deepStrictEqual(
    [await leases.bind(wrong, "uid-2"), await leases.release(wrong)],
    [false, false],
  );
  ok(await leases.bind(lease, "uid-1"));
  strictEqual((await leases.get(4, lease.value))?.uid, "uid-1");
  ok(await leases.release(lease));
  deepStrictEqual(
    [await leases.release(lease), await leases.get(4, lease.value)],
    [false, null],
  );
}

async function byNumber({ leases }: World): Promise<void> {
  const exactly = V4.first + 4n;
  const first = await leases.take([{ ...want("a", V4), exactly }], 1);
  strictEqual(first[0]?.value, exactly);
  deepStrictEqual(await leases.take([{ ...want("b", V4), exactly }], 2), [
    null,
  ]);
  // The gateway, and one outside the range.
  for (const value of [V4.first + 2n, V4.last + 1n]) {
    const wanted = { ...want("c", V4), exactly: value };
    deepStrictEqual(await leases.take([wanted], 3), [null]);
  }
}

async function full({ leases }: World): Promise<void> {
  const wants = Array.from({ length: SIZE + 2 }, (_, i) => want(`v${i}`, V4));
  const taken = await leases.take(wants, 1);
  strictEqual(taken.filter((it) => it !== null).length, SIZE);
}

async function seen({ leases, other }: World): Promise<void> {
  const [first] = await leases.take([want("a", V4)], 1) as [Lease];
  deepStrictEqual((await leases.list())[0], first);
  // The same decision, made again, at the same time by the clock.
  const [again] = await other().take([want("a", V4)], 1) as [Lease];
  strictEqual(again.value, first.value);
  strictEqual(await leases.releaseSeen(first), false);
  ok(await leases.bind(again, "uid-1"));
  strictEqual(await leases.releaseSeen(again), false);
  const [bound] = await leases.list();
  deepStrictEqual(bound && { uid: bound.uid, request: bound.request }, {
    uid: "uid-1",
    request: null,
  });
  // A start of a VM that has its address writes nothing.
  const [kept] = await leases.take([{ ...want("a", V4), uid: "uid-1" }], 9);
  deepStrictEqual(kept, bound);
  ok(bound && await leases.releaseSeen(bound));
  deepStrictEqual(await leases.list(), []);
}

async function another({ leases, other }: World): Promise<void> {
  const [lease] = await leases.take([want("a", V4)], 1) as [Lease];
  const others = other();
  deepStrictEqual(await others.get(4, lease.value), lease);
  ok(await others.release(lease));
  // Neither the lease that is gone, nor the place of the one that came.
  const [once] = await others.take([want("x", V4)], 2);
  const [more] = await leases.take([want("a", V4)], 2);
  deepStrictEqual([once?.value, more?.value], [V4.first, V4.first + 1n]);
  for (const it of [once, more]) ok(it && await leases.release(it));
  const [next] = await leases.take([want("b", V4)], 2);
  strictEqual(next?.vm, "b");
  const all = await others.list();
  deepStrictEqual(all.map(({ vm }) => vm), ["b"]);
}

/** Takes and releases in any order, those of several VMs also at once: each address has one holder. */
async function anyHistory({ leases }: World): Promise<void> {
  const deed = fc.record({
    vm: fc.integer({ min: 0, max: 11 }),
    isTaking: fc.boolean(),
    isAtOnce: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 30 }), async (deeds) => {
      const held = new Map<string, Lease>();
      const turns = new Map<string, Promise<void>>();
      for (const { vm, isTaking, isAtOnce } of deeds) {
        const name = `vm${vm}`;
        const turn = (turns.get(name) ?? Promise.resolve())
          .then(() => isTaking ? take(name) : end(name));
        turns.set(name, turn);
        if (isAtOnce) continue;
        await Promise.all(turns.values());
        const values = [...held.values()].map(({ value }) => value);
        strictEqual(new Set(values).size, values.length);
      }
      await Promise.all(turns.values());
      const all = await leases.list();
      for (const lease of all) await leases.release(lease);
      const kept = all.map(({ vm, value }) => `${vm} ${value}`);
      const expected = [...held].map(([vm, { value }]) => `${vm} ${value}`);
      deepStrictEqual(kept.toSorted(), expected.toSorted());

      async function take(vm: string): Promise<void> {
        const [lease] = await leases.take([want(vm, V4)], 1);
        if (lease) held.set(vm, lease);
      }
      async function end(vm: string): Promise<void> {
        const lease = held.get(vm);
        if (lease === undefined) return;
        held.delete(vm);
        await leases.release(lease);
      }
    }),
    { numRuns: 15 },
  );
}

function want(vm: string, pool: Pool): Want {
  return {
    pool,
    token: `token-${vm}`,
    vm,
    uid: null,
    request: "request-1",
    exactly: null,
  };
}

function firstOf({ family }: Lease): bigint {
  return family === 4 ? V4.first : V6.first;
}

function poolsOf(options: Parameters<typeof readRanges>[0]): Pool[] {
  return [...readRanges(options).values()].flatMap(({ pools }) => pools);
}

function stateOf(site: BenchSite): PluginContext["state"] {
  const asking = {} as Parameters<BenchSite["answer"]>[2];
  return {
    get: (key) => site.answer("state.get", { key }, asking) as Promise<Json>,
    commit: (changes, expect = []) =>
      site.answer(
        "state.commit",
        { changes: [...changes], expect: [...expect] } as never,
        asking,
      ) as Promise<boolean>,
    // Leases use no more of it.
  } as PluginContext["state"];
}
