/**
 * The guard's decisions, on hands of the test's own: when it pauses what, what
 * it writes down before, and what it lets go.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { ProcessId } from "../../sys/process_table.ts";
import { Guard, type Hands } from "./guard.ts";
import type { Deed, Held, Target } from "./protocol.ts";

function target(uid: string, incarnation = "1"): Target {
  return { uid, incarnation, process: { pid: 1, startTicks: 1 } };
}

/** Domains that are running, paused or gone, and a log of what is done to them. */
class World implements Hands<Target> {
  now = 1000;
  readonly states = new Map<string, "running" | "paused" | "gone">();
  readonly done: string[] = [];
  saved: readonly Held[] = [];
  /** What a pause meets: nothing, or an error of QEMU's. */
  trouble: Error | null = null;
  diskIsFull = false;
  /** Those that a pause comes to a little later. */
  readonly late = new Set<string>();
  save: ((held: readonly Held[]) => Promise<void>) | null = null;
  readonly guard: Guard<Target>;

  constructor(held: readonly Held[] = []) {
    this.guard = new Guard({
      hands: this,
      boot: () => this.now,
      now: () => "then",
      save: (held) => {
        if (this.save !== null) return this.save(held);
        if (this.diskIsFull) return Promise.reject(new Error("disk is full"));
        this.saved = held;
        this.done.push(`saved ${held.map(({ uid }) => uid)}`);
        return Promise.resolve();
      },
      log: () => {},
    }, held);
  }

  /** Processes that have taken another's place. */
  readonly successors = new Map<string, ProcessId>();

  find(target: Target): Target | null {
    if (this.states.get(target.uid) === "gone") return null;
    return { ...target, process: this.#processOf(target) };
  }

  isAlive({ uid, process }: Target): boolean {
    return this.states.get(uid) !== "gone" &&
      process.pid === this.#processOf({ uid, process }).pid;
  }

  #processOf({ uid, process }: Pick<Target, "uid" | "process">): ProcessId {
    return this.successors.get(uid) ?? process;
  }

  async hold(
    { uid }: Target,
    _known: Held | undefined,
    note: (did: Deed) => Promise<void>,
  ): Promise<boolean> {
    if (this.trouble !== null) throw this.trouble;
    if (this.states.get(uid) !== "running") return false;
    if (this.late.has(uid)) {
      for (let turns = 5; turns > 0; turns--) await Promise.resolve();
    }
    await note({ how: "qmp", wasRunning: true });
    this.states.set(uid, "paused");
    this.done.push(`paused ${uid}`);
    return true;
  }

  letGo({ uid }: Held): Promise<void> {
    if (this.trouble !== null) return Promise.reject(this.trouble);
    this.states.set(uid, "running");
    this.done.push(`let go ${uid}`);
    return Promise.resolve();
  }

  thaw({ uid }: Held): Promise<void> {
    this.done.push(`thawed ${uid}`);
    return Promise.resolve();
  }

  renew(until: number, ...uids: string[]) {
    const targets = uids.map((uid) => target(uid));
    return this.guard.ask({ do: "renew", until, targets });
  }

  release(until: number, ...uids: string[]) {
    return this.guard.ask({ do: "release", uids, until });
  }

  /** What was done since it was asked last. */
  taken(): string[] {
    return this.done.splice(0);
  }
}

Deno.test("Guard pauses what runs when the lease is over, having written that down, and nothing before", async () => {
  const world = new World();
  world.states.set("web", "running").set("frozen", "paused");
  deepStrictEqual(await world.renew(5000, "web", "frozen"), {
    guarded: { web: "1", frozen: "1" },
    held: {},
  });
  world.now = 4999;
  await world.guard.look();
  deepStrictEqual(world.taken(), []);
  world.now = 5000;
  await world.guard.look();
  deepStrictEqual(world.taken(), ["saved web", "paused web"]);
  // What its owner paused is not the guard's.
  deepStrictEqual(await world.renew(9000, "web", "frozen"), {
    guarded: { web: "1", frozen: "1" },
    held: { web: "1" },
  });
});

Deno.test("Guard that pauses many at once writes all of them down, one write after another", async () => {
  const world = new World();
  const writes: string[] = [];
  const slow = async (held: readonly Held[]) => {
    const uids = held.map(({ uid }) => uid).join();
    writes.push(`begun ${uids}`);
    // The first takes longer than what comes after it.
    for (let turns = 10 / writes.length; turns > 0; turns--) {
      await Promise.resolve();
    }
    writes.push(`done ${uids}`);
  };
  world.save = slow;
  world.states.set("web", "running").set("db", "running");
  world.late.add("db");
  await world.renew(2000, "web", "db");
  world.now = 2000;
  await world.guard.look();
  deepStrictEqual(writes, [
    "begun web",
    "done web",
    "begun web,db",
    "done web,db",
  ]);
});

Deno.test("Guard without a lease pauses nothing, and an earlier end takes no time away", async () => {
  const world = new World();
  world.states.set("web", "running");
  world.now = 1e9;
  await world.guard.look();
  deepStrictEqual(world.taken(), []);
  await world.renew(2e9, "web");
  await world.renew(1, "web");
  await world.guard.look();
  deepStrictEqual(world.taken(), []);
});

Deno.test("Guard looks again at what it paused, and at what it could not pause", async () => {
  const world = new World();
  world.states.set("web", "running");
  await world.renew(2000, "web");
  world.now = 2000;
  world.trouble = new Error("it does not stop");
  await world.guard.look();
  world.trouble = null;
  await world.guard.look();
  deepStrictEqual(world.taken(), ["saved web", "paused web"]);
  // Somebody resumed it though the lease is over.
  world.states.set("web", "running");
  await world.guard.look();
  deepStrictEqual(world.taken(), [], "it was looked at just now");
  world.now = 3000;
  await world.guard.look();
  deepStrictEqual(world.taken(), ["saved web", "paused web"]);
});

Deno.test("Guard lets go what it holds, as long as the lease lasts that it was said under", async () => {
  const world = new World();
  world.states.set("web", "running").set("db", "running");
  await world.renew(2000, "web", "db");
  world.now = 2000;
  await world.guard.look();
  world.taken();
  await world.renew(9000, "web", "db");
  await world.release(2000, "web");
  deepStrictEqual(world.taken(), [], "that lease is over");
  await world.release(9000, "web", "nobody");
  deepStrictEqual(world.taken(), ["let go web", "saved db"]);
  world.trouble = new Error("no answer");
  const { held } = await world.release(9000, "db");
  deepStrictEqual(held, { db: "1" }, "it is tried again when asked");
});

Deno.test("Guard forgets what is gone, what another resumes, and an earlier run", async () => {
  const world = new World();
  world.states.set("web", "running").set("db", "running");
  await world.renew(2000, "web", "db");
  world.now = 2000;
  await world.guard.look();
  world.states.set("web", "gone");
  deepStrictEqual(await world.renew(9000, "web", "db"), {
    guarded: { db: "1" },
    held: { db: "1" },
  });
  world.taken();
  await world.guard.ask({ do: "drop", uids: ["db"] });
  deepStrictEqual(world.taken(), ["thawed db", "saved "]);
  strictEqual(world.guard.isIdle, false);
  world.states.set("db", "gone");
  strictEqual(world.guard.isIdle, true);
});

Deno.test("Guard knows what an earlier one held, and pauses though it cannot write", async () => {
  const held: Held = {
    ...target("web"),
    how: "qmp",
    wasRunning: true,
    at: "before",
  };
  const world = new World([held]);
  world.states.set("web", "paused").set("db", "running");
  deepStrictEqual((await world.renew(2000, "web", "db")).held, { web: "1" });
  world.diskIsFull = true;
  world.now = 2000;
  await world.guard.look();
  deepStrictEqual(world.taken(), ["paused db"]);
});

Deno.test("Guard pauses the process that a domain has by then, started by hand since", async () => {
  const world = new World();
  world.states.set("web", "running");
  await world.renew(2000, "web");
  world.states.set("web", "gone");
  // Asked in between, it still knows that it may come back.
  deepStrictEqual(await world.release(1, "web"), { guarded: {}, held: {} });
  world.states.set("web", "running");
  world.successors.set("web", { pid: 2, startTicks: 9 });
  world.now = 2000;
  await world.guard.look();
  deepStrictEqual(world.taken(), ["saved web", "paused web"]);
  strictEqual(world.saved[0]?.process.pid, 2);
  // And again, at once: what is held is that process and no other.
  world.successors.set("web", { pid: 3, startTicks: 9 });
  world.states.set("web", "running");
  world.now = 2250;
  await world.guard.look();
  strictEqual(world.saved[0]?.process.pid, 3);
});
