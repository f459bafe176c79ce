/**
 * What everybody sees and may change equals a plain reference, and a watcher
 * holds just that at every moment, whatever is shared, made and destroyed, and
 * however often the watcher comes back.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import { Sight } from "../../src/ctrl/api/sight.ts";
import { watch } from "../../src/ctrl/api/watch.ts";
import { Access } from "../../src/ctrl/auth/access.ts";
import type { Caller } from "../../src/ctrl/auth/caller.ts";
import { ClusterDesk } from "../../src/ctrl/clusters/clusters.ts";
import { Changes } from "../../src/ctrl/records/changes.ts";
import { Records } from "../../src/ctrl/records/records.ts";
import { NameResolver } from "../../src/ctrl/requests/names.ts";
import type { Site } from "../../src/ctrl/site.ts";
import type { ClusterRecord, Grantee } from "../../src/schema/cluster.ts";
import { Node } from "../../src/schema/node.ts";
import { openMemoryStore } from "../../src/store/memory_store.ts";
import { placementNode } from "../support/placement.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { AT, vmIn } from "./arbitraries.ts";

const CLUSTERS = ["x.ann", "y.ann", "x.bob"] as const;
const CALLERS: readonly Caller[] = [
  caller("ann", "user"),
  caller("bob", "user"),
  caller("cid", "user", ["ops"]),
  caller("eve", "user", ["ops", "bob"]),
  caller("vic", "viewer"),
  caller("root", "admin"),
];

function caller(
  user: string,
  role: Caller["role"],
  groups: readonly string[] = [],
): Caller {
  return { user, role, groups, expiresAt: "", session: user };
}

const cluster = fc.constantFrom(...CLUSTERS);
const grantee = fc.constantFrom<Grantee>(
  { kind: "user", name: "bob" },
  { kind: "user", name: "cid" },
  { kind: "group", name: "ops" },
  { kind: "group", name: "bob" },
);
const act = fc.oneof(
  fc.record({
    what: fc.constant("share" as const),
    cluster,
    grantee,
    level: fc.constantFrom("view" as const, "control" as const),
  }),
  fc.record({ what: fc.constant("unshare" as const), cluster, grantee }),
  fc.record({
    what: fc.constantFrom("make" as const, "destroy" as const),
    cluster,
    i: fc.nat(1),
  }),
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** What happens before everybody looks, and whether watchers come back anew then. */
const round = fc.record({
  acts: fc.array(act, { minLength: 1, maxLength: 5 }),
  comesBack: fc.boolean(),
});

class World {
  readonly records: Records;
  readonly site: Site;
  #at = 0;

  private constructor(records: Records) {
    this.records = records;
    const context = { clock: new FakeClock(), newId: () => "" };
    this.site = {
      context,
      records,
      changes: new Changes(records, () => AT, 1000),
      accounts: { isLive: () => true },
      links: { get: () => undefined },
      runner: { holderOf: () => null },
    } as unknown as Site;
  }

  static async open(): Promise<World> {
    return new World(await Records.load(await openMemoryStore()));
  }

  desk(who: Caller): ClusterDesk {
    const context = { now: () => AT, clock: new FakeClock() };
    const config = { name_suffix: "" };
    const nobody = { list: () => [] };
    const accounts = { users: nobody, sessions: nobody };
    return new ClusterDesk(
      { records: this.records, accounts, context, config } as unknown as Site,
      who,
    );
  }

  async do(its: Act): Promise<void> {
    const root = this.desk(CALLERS.at(-1) as Caller);
    if (its.what === "share" || its.what === "unshare") {
      const known = this.records.clusters.get(its.cluster);
      const [, owner] = its.cluster.split(".");
      const isOwn = its.grantee.kind === "user" && its.grantee.name === owner;
      if (known === undefined || isOwn) return;
      if (its.what === "unshare") {
        await root.unshare(its.cluster, its.grantee);
      } else {
        const { grantee, level } = its;
        await root.share(its.cluster, { with: grantee, level });
      }
      return;
    }
    const name = `v${its.i}.${its.cluster}`;
    const known = this.records.byName(name);
    if ((its.what === "make") === (known !== undefined)) return;
    const uid = known?.uid ?? String(++this.#at).padStart(26, "0");
    const vm = { ...vmIn("running", "n1", null), uid, name };
    await this.records.write([
      { kind: "vm", key: uid, value: its.what === "make" ? vm : null },
    ]);
  }

  /** A change that everybody sees: who has read it has read all before. */
  async mark(): Promise<string> {
    const name = `m${++this.#at}`;
    const value = Node.parse({
      v: 1,
      ...placementNode(name),
      version: "1",
      joinedAt: AT,
      revision: 0,
    });
    await this.records.write([{ kind: "node", key: name, value }]);
    return name;
  }

  /** What somebody may, by the words of the rule alone. */
  may(who: Caller, name: string): "nothing" | "view" | "control" {
    const [, of = "", owner] = name.split(".");
    if (who.role === "admin" || owner === who.user) return "control";
    const record = this.records.clusters.get(`${of}.${owner}`);
    const levels = (record as ClusterRecord).shares.filter(({ with: its }) =>
      its.kind === "user"
        ? its.name === who.user
        : (who.groups ?? []).includes(its.name)
    ).map(({ level }) => level);
    if (levels.includes("control")) return "control";
    return who.role === "viewer" || levels.length > 0 ? "view" : "nothing";
  }

  namesFor(who: Caller, wanted: readonly string[]): string[] {
    return [...this.records.vms.values()].map(({ name }) => name)
      .filter((name) => wanted.includes(this.may(who, name))).toSorted();
  }
}

/** A client that holds what a watch tells it. */
class Watcher {
  readonly #world: World;
  readonly #who: Caller;
  readonly #held = new Map<string, string>();
  #lines: AsyncGenerator<unknown> | null = null;
  #ended = new AbortController();
  #seen: number | null = null;
  /** Whether the snapshot is over, whose nodes come before its VMs. */
  #isWhole = false;
  #mark = "";

  constructor(world: World, who: Caller) {
    this.#world = world;
    this.#who = who;
  }

  get names(): string[] {
    return [...this.#held.values()].toSorted();
  }

  async leave(): Promise<void> {
    this.#ended.abort();
    await this.#lines?.return(undefined);
    this.#lines = null;
  }

  async readUntil(mark: string): Promise<void> {
    const lines = this.#lines ??= this.#open();
    for (;;) {
      const { value, done } = await lines.next();
      ok(done !== true);
      if (this.#take(value as Line, mark)) return;
    }
  }

  #open(): AsyncGenerator<unknown> {
    this.#ended = new AbortController();
    const kinds = new Set(["vm", "node", "cluster"] as const);
    const query = { since: this.#seen, kinds, snapshot: true };
    const sight = new Sight(null, null);
    const asked = { query, sight };
    const { site } = this.#world;
    return watch(site, this.#who, asked, this.#ended.signal);
  }

  /** Takes a line; true for the last one of those that are waited for. */
  #take({ type, kind, id, revision, value, reset }: Line, mark: string) {
    if (type === "hello" && (reset || this.#seen === null)) this.#held.clear();
    if (type !== "hello" && revision !== undefined) this.#seen = revision;
    if (kind === "vm" && type === "delete") {
      ok(this.#held.delete(id ?? ""), "what was not shown is told of as gone");
    } else if (kind === "vm") {
      this.#held.set(value?.uid ?? "", value?.name ?? "");
    }
    if (type === "hello") this.#isWhole = false;
    if (type === "synced") this.#isWhole = true;
    if (kind === "node" && value?.name === mark) this.#mark = mark;
    return this.#isWhole && this.#mark === mark;
  }
}

interface Line {
  readonly type: string;
  readonly kind?: string;
  readonly id?: string;
  readonly revision?: number;
  readonly reset?: boolean;
  readonly value?: { readonly uid?: string; readonly name?: string };
}

function compare(world: World, who: Caller): void {
  const { records } = world;
  const access = new Access(who, records);
  const resolver = new NameResolver(records, who);
  const seen = world.namesFor(who, ["view", "control"]);
  for (const { name } of records.vms.values()) {
    const may = world.may(who, name);
    strictEqual(access.maySee(name), may !== "nothing");
    strictEqual(access.mayControl(name), may === "control");
    strictEqual(
      resolver.find(name)?.name,
      may === "nothing" ? undefined : name,
    );
  }
  const all = attempt(() => resolver.all(["*"]).map(({ name }) => name));
  deepStrictEqual(all.toSorted(), seen);
  const acted = attempt(() => resolver.ours(["*.*.*"]).map(({ name }) => name));
  deepStrictEqual(acted.toSorted(), world.namesFor(who, ["control"]));
  deepStrictEqual(
    world.desk(who).list().map(({ name }) => name),
    [...records.clusters.values()].map(({ name }) => name)
      .filter((name) => world.may(who, `v.${name}`) !== "nothing").toSorted(),
  );
}

/** What a pattern means; one that matches nothing is refused. */
function attempt(look: () => string[]): string[] {
  try {
    return look();
  } catch {
    return [];
  }
}

Deno.test("access, names, clusters and watches show what a plain reference does", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(round, { minLength: 1, maxLength: 8 }),
      async (rounds) => {
        const world = await World.open();
        const watchers = CALLERS.map((who) => new Watcher(world, who));
        for (const { acts, comesBack } of rounds) {
          for (const its of acts) await world.do(its);
          const mark = await world.mark();
          for (const [i, watcher] of watchers.entries()) {
            const who = CALLERS[i] as Caller;
            if (comesBack) await watcher.leave();
            await watcher.readUntil(mark);
            deepStrictEqual(
              watcher.names,
              world.namesFor(who, ["view", "control"]),
            );
            compare(world, who);
          }
        }
        for (const watcher of watchers) await watcher.leave();
      },
    ),
    { numRuns: 200 },
  );
});
