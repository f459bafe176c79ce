/**
 * The guard's decisions, on hands of the test's own: when it pauses what, what
 * it writes down before, and what it lets go.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Guard, type Hands } from "./guard.ts";
import type { Held, Target } from "./protocol.ts";

function target(uid: string, incarnation = "1"): Target {
  return {
    uid,
    incarnation,
    process: { pid: 1, startTicks: 1 },
    monitors: ["a", "b"],
  };
}

/** Domains that are running, paused or gone, and a log of what is done to them. */
class World implements Hands {
  now = 1000;
  readonly states = new Map<string, "running" | "paused" | "gone">();
  readonly done: string[] = [];
  saved: readonly Held[] = [];
  /** What a pause meets: nothing, or an error of QEMU's. */
  trouble: Error | null = null;
  diskIsFull = false;
  readonly guard: Guard;

  constructor(held: readonly Held[] = []) {
    this.guard = new Guard({
      hands: this,
      boot: () => this.now,
      now: () => "then",
      save: (held) => {
        if (this.diskIsFull) return Promise.reject(new Error("disk is full"));
        this.saved = held;
        this.done.push(`saved ${held.map(({ uid }) => uid)}`);
        return Promise.resolve();
      },
      log: () => {},
    }, held);
  }

  isAlive({ uid }: Target): boolean {
    return this.states.get(uid) !== "gone";
  }

  async hold(
    { uid }: Target,
    _known: Held | undefined,
    note: (held: Pick<Held, "how" | "wasRunning">) => Promise<void>,
  ): Promise<boolean> {
    if (this.trouble !== null) throw this.trouble;
    if (this.states.get(uid) !== "running") return false;
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

  thaw({ uid }: Held): void {
    this.done.push(`thawed ${uid}`);
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
