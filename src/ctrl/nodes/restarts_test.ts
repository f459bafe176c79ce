/**
 * Starts after the loss of a node, on a clock of the test's own: when they
 * come, when they do not, and how often.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { SIM_DRIVER } from "../../../tests/support/small_ctrl.ts";
import { CtrlConfig } from "../../schema/config.ts";
import type { DownFrame } from "../../schema/frame.ts";
import { Node, type NodeState } from "../../schema/node.ts";
import { Vm, type VmStatus } from "../../schema/vm.ts";
import { openMemoryStore } from "../../store/memory_store.ts";
import type { Store } from "../../store/store.ts";
import { newId, newSecret } from "../../sys/id.ts";
import { silentLog } from "../../sys/log.ts";
import { type Engine, openEngine } from "../engine.ts";
import type { NodeSession } from "./node_links.ts";

const UID = "01hzzzzzzzzzzzzzzzzzzzzzz5";
const AT = "2026-01-01T00:00:00.000Z";

function nodeOf(name: string, state: NodeState): Node {
  return Node.parse({
    v: 1,
    name,
    state,
    since: AT,
    version: "0",
    capacity: { cpus: 8, memoryMiB: 8192 },
    drivers: [SIM_DRIVER],
    joinedAt: AT,
    revision: 0,
  });
}

function vmOf(more: Partial<Vm> = {}, status: Partial<VmStatus> = {}): Vm {
  return Vm.parse({
    v: 1,
    uid: UID,
    name: "web.default.ann",
    generation: 1,
    spec: { driver: "sim", onNodeLoss: "restart" },
    status: {
      state: "running",
      reason: "",
      incarnation: "01a",
      since: AT,
      observedGeneration: 1,
      guard: { node: "n1", incarnation: "01a" },
      ...status,
    },
    node: "n1",
    args: {},
    createdAt: AT,
    revision: 0,
    ...more,
  });
}

/** A controller that began just now, with n1 out of reach and n2 connected. */
class World implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly engine: Engine;
  /** What n2 was asked to start. */
  readonly starts: string[] = [];
  readonly #store: Store;
  readonly #abort = new AbortController();
  readonly #kept: Promise<void>;

  private constructor(clock: FakeClock, engine: Engine, store: Store) {
    this.clock = clock;
    this.engine = engine;
    this.#store = store;
    this.#kept = engine.keep(this.#abort.signal);
  }

  static async open(vm: Vm, { n2 = true } = {}): Promise<World> {
    const clock = new FakeClock();
    const store = await openMemoryStore();
    const options = {
      config: CtrlConfig.parse({}),
      context: { clock, newId, log: silentLog },
      store,
      newSecret,
      version: "test",
    };
    const before = await openEngine(options);
    await before.records.write([
      { kind: "node", key: "n1", value: nodeOf("n1", "ready") },
      { kind: "node", key: "n2", value: nodeOf("n2", "ready") },
      { kind: "vm", key: vm.uid, value: vm },
    ]);
    const engine = await openEngine(options);
    await engine.recover();
    const world = new World(clock, engine, store);
    if (n2) await world.connect("n2");
    return world;
  }

  /** A node is there, and says nothing to what it is asked. */
  async connect(name: string): Promise<void> {
    const link = this.engine.links.link(name);
    link.silentSince = null;
    link.session = {
      sendReliable: (frame: DownFrame) => {
        if (frame.type === "act") this.starts.push(`${frame.verb} on ${name}`);
      },
      isFarBehind: false,
    } as unknown as NodeSession;
    link.synced = true;
    await this.engine.nodes.setState(name, "ready");
  }

  get vm(): Vm {
    return this.engine.records.vms.get(UID)!;
  }

  /** Where it is and how. */
  get seen(): [string | null, string] {
    return [this.vm.node, this.vm.status.state];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort("the test is over");
    await this.#kept;
    const stopped = this.engine.runner.stop();
    await this.clock.advance(1000);
    await stopped;
    await this.#store.close();
  }
}

Deno.test("a new controller gives a lost node its lease and the margin before it takes a VM over", async () => {
  await using world = await World.open(vmOf());
  await world.clock.advance(14_000);
  deepStrictEqual(world.seen, ["n1", "running"]);
  await world.clock.advance(3000);
  deepStrictEqual(world.seen, ["n1", "unknown"]);
  await world.clock.advance(7900);
  deepStrictEqual(world.seen, ["n1", "unknown"]);
  await world.clock.advance(2000);
  deepStrictEqual(world.seen, ["n2", "crashed"]);
  deepStrictEqual(world.starts, ["start on n2"]);
  const { generation, restarts, status } = world.vm;
  deepStrictEqual([generation, restarts?.due, restarts?.count], [2, true, 1]);
  strictEqual(status.guard, undefined, "the word was another run's");
  const [operation] = [...world.engine.records.operations.values()];
  deepStrictEqual(
    [operation?.user, operation?.trail[0]?.source],
    ["ann", "node loss"],
  );
  strictEqual(
    world.engine.records.requests.get(operation?.request ?? "")?.user,
    "ann",
  );
});

Deno.test("a VM that no guard has in hand, or that fits nowhere, stays where it is", async () => {
  const { guard: _, ...status } = vmOf().status;
  await using unguarded = await World.open({ ...vmOf(), status });
  await unguarded.clock.advance(120_000);
  deepStrictEqual(unguarded.seen, ["n1", "unknown"]);

  await using alone = await World.open(vmOf(), { n2: false });
  await alone.clock.advance(120_000);
  deepStrictEqual(alone.seen, ["n1", "unknown"]);
  strictEqual(alone.engine.records.operations.size, 0, "nothing piles up");
  await alone.connect("n2");
  await alone.clock.advance(2000);
  deepStrictEqual(alone.seen, ["n2", "crashed"]);
});

Deno.test("a VM that was being started as owed on a node that is lost then may run there, and starts nowhere else", async () => {
  const restarts = { due: true, count: 1, at: AT };
  const status = { state: "starting" as const, guard: undefined };
  await using world = await World.open(vmOf({ restarts }, status));
  await world.clock.advance(120_000);
  deepStrictEqual(world.seen, ["n1", "unknown"]);
  deepStrictEqual(world.starts, []);
  // Back, its node tells that it came to nothing.
  await world.connect("n1");
  const { status: lost } = world.vm;
  const value = { ...world.vm, status: { ...lost, state: "crashed" as const } };
  await world.engine.records.write([{ kind: "vm", key: UID, value }]);
  await world.clock.advance(2000);
  strictEqual(world.starts.length, 1);
});

Deno.test("a VM whose owed start ended without an answer starts on that node alone", async () => {
  const restarts = { due: true, count: 0, at: null };
  const vm = vmOf({ restarts }, { state: "crashed", guard: undefined });
  await using world = await World.open(vm);
  const { records, links, runner } = world.engine;
  await world.connect("n1");
  const [n1, n2] = ["n1", "n2"].map((name) => records.nodes.latest(name)!);
  const drain = (name: string, node: Node) =>
    records.write([
      { kind: "node", key: name, value: { ...node, draining: true } },
    ]);
  await drain("n2", n2!);
  await world.clock.advance(2000);
  deepStrictEqual(world.starts, ["start on n1"]);
  links.link("n1").interruptAll("nobody knows");
  await world.clock.advance(1000);
  strictEqual(runner.isUncertain(UID), true);
  await drain("n1", n1!);
  await records.write([{ kind: "node", key: "n2", value: n2! }]);
  await world.clock.advance(600_000);
  strictEqual(world.vm.node, "n1");
  strictEqual(world.starts.includes("start on n2"), false);
});

Deno.test("a start that fails is tried again with growing pauses, and then no more", async () => {
  await using world = await World.open(vmOf());
  const { records, links } = world.engine;
  const tried: number[] = [];
  const failed = (): boolean => {
    const open = [...records.operations.values()].find(({ state }) =>
      state === "running"
    );
    if (open === undefined) return false;
    return links.link("n2").answer({
      type: "result",
      id: `${open.id}.start`,
      domain: null,
      problem: {
        type: "about:blank",
        title: "Hypervisor failed",
        status: 502,
        code: "driver_failed",
        retry: "no",
        outcome: "none",
        detail: "Cannot start it",
      },
    });
  };
  for (let second = 0; second < 520; second++) {
    await world.clock.advance(1000);
    if (failed()) tried.push(second);
  }
  const pauses = tried.slice(1).map((at, i) => at - (tried[i] ?? 0));
  strictEqual(tried.length, 5);
  for (const [i, least] of [30, 60, 120, 240].entries()) {
    strictEqual((pauses[i] ?? 0) >= least, true, `${pauses}`);
  }
  strictEqual(world.vm.restarts?.due, false);
  strictEqual(world.vm.restarts.count, 5);
});

Deno.test("a margin with which two copies could run keeps the controller from starting", async () => {
  const store = await openMemoryStore();
  await rejects(
    openEngine({
      config: CtrlConfig.parse({ node_lease: "10m", takeover_margin: "3s" }),
      context: { clock: new FakeClock(), newId, log: silentLog },
      store,
      newSecret,
      version: "test",
    }),
    (error: Error) => {
      match(error.message, /takeover_margin of 3 s is too short/);
      return true;
    },
  );
  await store.close();
});

Deno.test("what lies on a node that is there, and that a VM leaves, is cleared away", async () => {
  const restarts = { due: true, count: 1, at: AT };
  const vm = vmOf({ restarts }, { state: "crashed", reason: "boot failed" });
  await using world = await World.open(vm);
  await world.connect("n1");
  const n1 = world.engine.records.nodes.latest("n1")!;
  const drained = { ...n1, draining: true };
  await world.engine.records.write([
    { kind: "node", key: "n1", value: drained },
  ]);
  for (let s = 0; s < 120 && world.starts.length < 2; s++) {
    await world.clock.advance(1000);
  }
  deepStrictEqual(world.starts, ["start on n2"]);
  // Its run holds the VM; what is left elsewhere waits for the end of that.
  await world.engine.runner.cancel(
    [...world.engine.records.operations.values()][0]!.id,
    "asked",
  );
  for (let s = 0; s < 120 && world.starts.length < 4; s++) {
    await world.clock.advance(1000);
  }
  strictEqual(world.starts.includes("release on n1"), true);
});
