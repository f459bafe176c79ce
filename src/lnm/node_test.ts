/**
 * What a node tells of its domains around the end of a session: whatever
 * happens while nobody listens, the controller knows in the end.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { until } from "../../tests/support/wait.ts";
import type { DomainReport, Driver } from "../driver/driver.ts";
import { NewestReports } from "../driver/newest.ts";
import { UsherError } from "../error/mod.ts";
import { decodeLines } from "../link/ndjson.ts";
import type { Capacity } from "../schema/node.ts";
import type { DownFrame, UpFrame } from "../schema/frame.ts";
import type { DomainState } from "../schema/vm.ts";
import { type Clock, systemClock } from "../sys/clock.ts";
import { silentLog } from "../sys/log.ts";
import { DriverSet } from "./driver_set.ts";
import { runNode } from "./node.ts";

const UID = "01hzzzzzzzzzzzzzzzzzzzzzz5";

/** A driver with one domain, whose state a test sets. */
class OneDomain {
  state: DomainState = "running";
  /** What it was asked; shutdowns wait until they are aborted. */
  readonly asked: string[] = [];
  /** How many of its reports were taken up. */
  taken = 0;
  /** Why it cannot tell what it runs; null while it can. */
  deaf: string | null = null;
  /** What it says that guests have; nothing, while absent. */
  machine: Capacity | undefined;
  #watcher: NewestReports | null = null;

  get report(): DomainReport {
    return {
      ...{ uid: UID, domain: UID, name: "web.default.ann" },
      ...{ state: this.state, reason: "", incarnation: "01a", generation: 1 },
    };
  }

  become(state: DomainState): void {
    this.state = state;
    this.#watcher?.push(this.report);
  }

  async *#watch(signal: AbortSignal): AsyncGenerator<DomainReport> {
    this.#watcher = new NewestReports(signal, () => {});
    for await (const report of this.#watcher) {
      yield report;
      this.taken++;
    }
  }

  readonly driver = {
    name: "sim",
    probe: () =>
      Promise.resolve(
        this.deaf === null
          ? { health: "healthy", version: "1", machine: this.machine }
          : { health: "unhealthy", reason: this.deaf },
      ),
    list: () =>
      this.deaf === null
        ? Promise.resolve([this.report])
        : Promise.reject(new Error(this.deaf)),
    inspect: () => Promise.resolve(this.report),
    watch: (signal: AbortSignal) => this.#watch(signal),
    counters: () => Promise.resolve(new Map()),
    stop: (_uid: string, { signal }: { signal: AbortSignal }) => {
      this.asked.push("stop");
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    },
    pausing: {
      pause: () => {
        this.asked.push("pause");
        if (this.deaf !== null) {
          return Promise.reject(new UsherError("unavailable", this.deaf));
        }
        this.state = "paused";
        return Promise.resolve(this.report);
      },
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  } as unknown as Driver;
}

/** One session, from the controller's end. */
class Peer {
  readonly heard: UpFrame[] = [];
  readonly #down = new TransformStream<Uint8Array, Uint8Array>();
  readonly #writer = this.#down.writable.getWriter();
  readonly incoming = this.#down.readable;

  constructor(body: ReadableStream<Uint8Array>) {
    void this.#read(body);
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    for await (const frame of decodeLines(body, 1e6)) {
      this.heard.push(frame as UpFrame);
    }
  }

  say(frame: DownFrame): void {
    const line = `${JSON.stringify(frame)}\n`;
    void this.#writer.write(new TextEncoder().encode(line)).catch(() => {});
  }

  welcome(resumed: boolean): void {
    this.say({
      ...{ type: "welcome", session: "s", resumed, seen: 0 },
      ...{ beatMs: 60_000, leaseMs: 60_000 },
    });
  }

  cut(): void {
    void this.#writer.close().catch(() => {});
  }

  async hears(type: UpFrame["type"]): Promise<void> {
    await until(
      `the node says ${type}`,
      () => this.heard.some((frame) => frame.type === type),
    );
  }

  /** What the node said that it has. */
  get capacity(): Capacity | null {
    const hello = this.heard.find(({ type }) => type === "hello");
    return hello?.type === "hello" ? hello.capacity : null;
  }

  /** The states that were told of the domain, in order. */
  get states(): DomainState[] {
    return this.heard.flatMap((frame) => {
      if (frame.type === "domains" || frame.type === "report") {
        return frame.domains.map(({ state }) => state);
      }
      return frame.type === "result" && frame.domain !== null
        ? [frame.domain.state]
        : [];
    });
  }
}

/** A node whose sessions end at `Peer`s. */
class World implements AsyncDisposable {
  readonly domain = new OneDomain();
  readonly peers: Peer[] = [];
  readonly #stop = new AbortController();
  readonly #node: Promise<void>;
  readonly #drivers = new DriverSet(
    new Map([["sim", this.domain.driver]]),
    [],
    systemClock,
    silentLog,
  );

  constructor(deaf: string | null = null, clock: Clock = systemClock) {
    this.domain.deaf = deaf;
    const session = (body: ReadableStream<Uint8Array>) => {
      const peer = new Peer(body);
      this.peers.push(peer);
      return Promise.resolve(peer.incoming);
    };
    this.#node = runNode({
      identity: { name: "n1", secret: "s" },
      uplink: { url: "none", session, console: () => Promise.reject() },
      clock,
      drivers: this.#drivers,
      capacity: { cpus: 1, memoryMiB: 1 },
      given: { cpus: 3 },
      labels: {},
      version: "0",
      bootId: "b",
      log: silentLog,
      usageMs: 60_000,
      machineCounters: () => Promise.reject(new Error("none")),
      random: () => 0,
      onReady: () => {},
    }, this.#stop.signal);
  }

  /** The session number `index`, once it has said hello. */
  async session(index: number): Promise<Peer> {
    const peer = await until("a session begins", () => this.peers[index]);
    await peer.hears("hello");
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort("over");
    for (const peer of this.peers) peer.cut();
    await this.#node;
    // What an act that just ended has put off to its next turn comes before.
    await new Promise((resolve) => systemClock.after(0, () => resolve(null)));
  }
}

const act = (id: string, verb: "stop" | "pause"): DownFrame => ({
  ...{ type: "act", id, verb, driver: "sim", uid: UID, plan: null },
  graceMs: 600_000,
  seq: 1,
});

Deno.test("runNode() tells what changed between its list of domains and the welcome", async () => {
  await using world = new World();
  const peer = await world.session(0);
  world.domain.become("crashed");
  await until("the node has taken it up", () => world.domain.taken === 1);

  peer.welcome(false);

  await peer.hears("report");
  deepStrictEqual(peer.states, ["running", "crashed"]);
});

Deno.test("runNode() replays old reports before its list, and what the link lost shows in that", async () => {
  await using world = new World();
  const first = await world.session(0);
  first.welcome(false);
  await first.hears("domains");
  world.domain.become("paused");
  await first.hears("report");
  first.cut();
  // Nobody was there to hear of it.
  world.domain.state = "crashed";

  const second = await world.session(1);
  second.welcome(true);

  await second.hears("domains");
  deepStrictEqual(second.states, ["paused", "crashed"]);
});

Deno.test("runNode() tells what an act came to while there was no session, asked again or not", async () => {
  await using world = new World();
  const first = await world.session(0);
  first.welcome(false);
  first.say(act("01a.pause", "pause"));
  await first.hears("result");
  first.cut();
  // Another than the answer that is remembered.
  world.domain.become("crashed");

  const second = await world.session(1);
  second.welcome(false);
  second.say(act("01a.pause", "pause"));

  await second.hears("result");
  strictEqual(second.states.at(-1), "crashed");
  deepStrictEqual(world.domain.asked, ["pause"]);
});

Deno.test("runNode() lets go of what a dead controller waited for, once the next asks for something else", async () => {
  await using world = new World();
  const first = await world.session(0);
  first.welcome(false);
  first.say(act("01a.shutdown", "stop"));
  await until("it waits for the guest", () => world.domain.asked.length === 1);
  first.cut();

  const second = await world.session(1);
  second.welcome(false);
  second.say(act("01b.pause", "pause"));

  await until("it is paused", () => world.domain.state === "paused");
  await until(
    "both are answered",
    () => second.heard.filter(({ type }) => type === "result").length === 2,
  );
  match(JSON.stringify(second.heard), /"interrupted"/);
});

Deno.test("runNode() goes on with what a dead controller waited for when the next asks for it again", async () => {
  await using world = new World();
  const first = await world.session(0);
  first.welcome(false);
  first.say(act("01a.shutdown", "stop"));
  await until("it waits for the guest", () => world.domain.asked.length === 1);
  first.cut();

  const second = await world.session(1);
  second.welcome(false);
  second.say(act("01a.shutdown", "stop"));
  // Seen to have been taken in: what follows it is answered.
  second.say(
    {
      ...act("01c.none", "pause"),
      uid: `${UID.slice(0, -1)}6`,
      seq: 2,
    } as DownFrame,
  );

  await second.hears("result");
  deepStrictEqual(world.domain.asked, ["stop", "pause"]);
  deepStrictEqual(
    second.heard.filter(({ type }) => type === "result").length,
    1,
    "the shutdown still waits",
  );
});

Deno.test("runNode() says which driver cannot tell what it runs, and tells as soon as it can", async () => {
  await using world = new World("no such socket", {
    ...systemClock,
    sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
  });
  const first = await world.session(0);
  const hello = first.heard.find(({ type }) => type === "hello");
  deepStrictEqual(
    hello?.type === "hello" && [hello.unlisted, hello.domainCount],
    [["sim"], 0],
  );
  first.welcome(false);
  await first.hears("domains");

  world.domain.deaf = null;

  // That it works now is told first, of the session that there is.
  await first.hears("drivers");
  const second = await world.session(1);
  second.welcome(false);
  await second.hears("domains");
  deepStrictEqual(second.states, ["running"]);
});

Deno.test("runNode() looks at its drivers as soon as one does not reach its hypervisor", async () => {
  await using world = new World();
  const peer = await world.session(0);
  peer.welcome(false);
  await peer.hears("domains");
  world.domain.deaf = "no such socket";

  peer.say(act("a1", "pause"));

  // A minute before it would be their turn.
  await peer.hears("drivers");
  const told = peer.heard.findLast(({ type }) => type === "drivers");
  deepStrictEqual(
    told?.type === "drivers" && told.drivers.map(({ health }) => health),
    ["unhealthy"],
  );
});

Deno.test("runNode() tells of the machine that guests get where a driver knows it, and anew when it is another; what the administrator gives stands", async () => {
  await using world = new World(null, {
    ...systemClock,
    sleep: (ms, signal) => systemClock.sleep(ms / 1000, signal),
  });
  const first = await world.session(0);
  deepStrictEqual(first.capacity, { cpus: 3, memoryMiB: 1 });
  first.welcome(false);
  await first.hears("domains");
  world.domain.machine = { cpus: 8, memoryMiB: 4096 };

  const second = await world.session(1);
  deepStrictEqual(second.capacity, { cpus: 3, memoryMiB: 4096 });
  second.welcome(true);
  await second.hears("domains");
  // A driver that cannot be asked takes nothing away of what it told.
  world.domain.machine = undefined;
  world.domain.deaf = "no such socket";
  await second.hears("drivers");
  second.cut();
  const third = await world.session(2);
  deepStrictEqual(third.capacity, second.capacity);
});
