/**
 * A whole site in memory whose controller dies at a moment that is named: the
 * nth commit or the nth frame of a link, just before it or just after it.
 *
 * Controller and nodes are the real ones; the database is an object and the
 * links are streams, so one case takes milliseconds and every moment can be
 * tried. A controller that died still runs in this process, but it is cut
 * off: its commits never end and its links are closed.
 *
 * @module
 */
import { type Engine, openEngine } from "../../src/ctrl/engine.ts";
import { openSession } from "../../src/ctrl/node_api/session.ts";
import { SimHypervisor } from "../../src/driver/sim/hypervisor.ts";
import { createSimDriver } from "../../src/driver/sim/mod.ts";
import { UsherError } from "../../src/error/mod.ts";
import { decodeLines } from "../../src/link/ndjson.ts";
import { DriverSet } from "../../src/lnm/driver_set.ts";
import { runNode } from "../../src/lnm/node.ts";
import type { Events } from "../../src/plugin/events.ts";
import { CtrlConfig } from "../../src/schema/config.ts";
import { MAX_FRAME_BYTES } from "../../src/schema/frame.ts";
import type { Operation, Result } from "../../src/schema/operation.ts";
import { VmRequest, type VmRequestInput } from "../../src/schema/request.ts";
import type { Vm } from "../../src/schema/vm.ts";
import {
  MemoryDatabase,
  openMemoryStore,
} from "../../src/store/memory_store.ts";
import type { Mutation, Store } from "../../src/store/store.ts";
import { type Clock, systemClock } from "../../src/sys/clock.ts";
import { newId, newSecret } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import { ownChecks } from "./own_checks.ts";
import { ADMIN } from "./small_ctrl.ts";
import { until } from "./wait.ts";

/** Where a controller dies: at a commit, or at a frame down to a node or up from it. */
export interface Death {
  readonly at: "commit" | "down" | "up";
  /** The first is number 1. */
  readonly nth: number;
  /** After it happened; else in its place. */
  readonly after: boolean;
}

/** Frames that are said in vain or come again by themselves. */
const UNCOUNTED = new Set(["beat", "usage", "welcome", "ready"]);

/** A node dials again at once, so that a case is short. */
const nodeClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms <= 5000 ? 1 : ms, signal),
};

/** A node as it lies there: a name, a secret, and what its hypervisor runs. */
interface TestNode {
  readonly name: string;
  readonly secret: string;
  readonly hypervisor: SimHypervisor;
  stop: AbortController;
  done: Promise<void>;
}

/** One life of a controller. */
class Life {
  #death: Death | null;
  readonly #over = new AbortController();
  readonly died = Promise.withResolvers<void>();
  #count = 0;

  constructor(death: Death | null) {
    this.#death = death;
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Aborts at its end. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Lets it die where `death` says, counted from now on. */
  arm(death: Death | null): void {
    this.#death = death;
    this.#count = 0;
  }

  end(): void {
    this.#over.abort();
    this.died.resolve();
  }

  /** Does `act` unless it is dead, or dies in its place; false when dead afterwards. */
  async passes(
    at: Death["at"],
    act: () => Promise<void> | void,
  ): Promise<boolean> {
    if (this.isOver) return false;
    const isIt = this.#death?.at === at && ++this.#count === this.#death.nth;
    if (isIt && this.#death?.after === false) this.end();
    if (this.isOver) return false;
    await act();
    if (isIt) this.end();
    return !this.isOver;
  }
}

/** A site whose controller may be told when to die. */
export class CrashingSite implements AsyncDisposable {
  readonly #database = new MemoryDatabase();
  readonly #nodes = new Map<string, TestNode>();
  #life = new Life(null);
  #engine: Engine | null = null;
  /** Who hears what happens, also after a death. */
  readonly #events: Events;
  /** Names new records. */
  newId = newId;

  private constructor(events: Events | undefined, readonly config: object) {
    this.#events = events ?? ownChecks({
      accounts: () => this.engine.accounts,
      nodes: () => this.engine.nodes,
    });
  }

  /** A site with so many nodes, `n1` and on, all of them ready. */
  static async start(
    nodes = 1,
    events?: Events,
    config: object = {},
  ): Promise<CrashingSite> {
    const site = new CrashingSite(events, config);
    await site.revive();
    for (let i = 1; i <= nodes; i++) await site.#join(`n${i}`);
    return site;
  }

  get engine(): Engine {
    if (this.#engine === null) throw new Error("The controller is dead");
    return this.#engine;
  }

  /** Resolves when the controller dies. */
  get died(): Promise<void> {
    return this.#life.died.promise;
  }

  hypervisor(node: string): SimHypervisor {
    return this.#node(node).hypervisor;
  }

  /** Starts the next controller on what the last one left; it dies where `death` says. */
  async revive(death: Death | null = null): Promise<void> {
    this.#life.end();
    this.#engine = null;
    const life = this.#life = new Life(death);
    const store = mortal(
      await openMemoryStore({ database: this.#database }),
      life,
    );
    const engine = await openEngine({
      config: CtrlConfig.parse(this.config),
      context: {
        clock: systemClock,
        newId: () => this.newId(),
        log: silentLog,
      },
      store,
      newSecret,
      version: "test",
      events: this.#events,
    });
    life.over.addEventListener("abort", () => void engine.runner.stop());
    await engine.recover();
    // Nobody is served before.
    this.#engine = engine;
    void engine.keep(life.over);
  }

  /** Lets the controller die where `death` says, counted from now; or not at all. */
  arm(death: Death | null): void {
    this.#life.arm(death);
  }

  /** Kills the controller. */
  kill(): void {
    this.#life.end();
  }

  /** Kills a node; what it runs runs on. */
  async killNode(name: string): Promise<void> {
    const node = this.#node(name);
    node.stop.abort("killed");
    await node.done;
  }

  /** Starts a node that was killed. */
  startNode(name: string): void {
    const node = this.#node(name);
    node.stop = new AbortController();
    node.done = this.#runNode(node);
  }

  async untilReady(): Promise<void> {
    await until(
      "every node is ready",
      () =>
        [...this.#nodes.keys()].every((name) =>
          this.engine.links.get(name)?.ready === true
        ),
    );
  }

  /** Takes a request in. */
  submit(request: VmRequestInput): Promise<Result> {
    return this.engine.requests.submit(VmRequest.parse(request), ADMIN);
  }

  /** The only operation of a request, durably at its end. */
  async ended(request: string): Promise<Operation> {
    return await until(`${request} has ended`, () => {
      const { records } = this.engine;
      const [id] = records.byRequest.get(request) ?? [];
      const operation = records.operations.get(id ?? "");
      return operation !== undefined && operation.endedAt !== null
        ? operation
        : null;
    });
  }

  /** Asks, and waits for the end. */
  async run(request: VmRequestInput & { id: string }): Promise<Operation> {
    await this.submit(request);
    return await this.ended(request.id);
  }

  /** The VM as the records have it; undefined when there is none. */
  vm(name: string): Vm | undefined {
    const { records } = this.engine;
    const vm = records.byName(`${name}.default.${ADMIN.user}`);
    return vm === undefined ? undefined : records.vms.get(vm.uid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#nodes.keys()) await this.killNode(name);
    for (const { session } of this.#engine?.links.all() ?? []) {
      session?.close("the site ends");
    }
    this.#life.end();
    await this.#engine?.runner.stop();
  }

  #node(name: string): TestNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`There is no node ${name}`);
    return node;
  }

  async #join(name: string): Promise<void> {
    const { nodes } = this.engine;
    const { secret: token } = await nodes.newToken(name, 60_000);
    const { secret } = await nodes.enrol({ secret: token, name, version: "0" });
    const hypervisor = await SimHypervisor.open();
    const stop = new AbortController();
    const done = Promise.resolve();
    this.#nodes.set(name, { name, secret, hypervisor, stop, done });
    this.startNode(name);
    await this.untilReady();
  }

  async #runNode({ name, secret, hypervisor, stop }: TestNode): Promise<void> {
    await using driver = await createSimDriver(
      { stateDir: "", log: () => {} },
      { hypervisor },
    );
    const drivers = new DriverSet(
      new Map([["sim", driver]]),
      [],
      systemClock,
      silentLog,
    );
    await drivers.probe(stop.signal);
    await runNode({
      identity: { name, secret },
      uplink: {
        url: "in memory",
        session: (body, signal) => this.#connect(body, signal, stop.signal),
        console: () => Promise.reject(new Error("No console")),
      },
      clock: nodeClock,
      drivers,
      log: silentLog,
      version: "0",
      random: () => 0,
      capacity: { cpus: 64, memoryMiB: 65_536 },
      labels: {},
      bootId: name,
      usageMs: 60_000,
      machineCounters: () => Promise.reject(new Error("None")),
      onReady: () => {},
    }, stop.signal);
  }

  /** A link to the controller that lives now. */
  #connect(
    body: ReadableStream<Uint8Array>,
    ...ends: AbortSignal[]
  ): Promise<ReadableStream<Uint8Array>> {
    const life = this.#life;
    if (life.isOver || this.#engine === null) {
      const error = new UsherError("unavailable", "Nobody listens");
      return Promise.reject(error);
    }
    const signals = [life.over, ...ends];
    const session = openSession(
      this.#engine.session,
      watched(body, life, "up", signals),
    );
    return Promise.resolve(watched(session.outgoing, life, "down", signals));
  }
}

/** A store whose commits end with the life that it belongs to. */
function mortal(inner: Store, life: Life): Store {
  const commit = async (mutations: readonly Mutation[]) => {
    const copy = structuredClone(mutations);
    if (await life.passes("commit", () => inner.commit(copy))) return;
    await new Promise(() => {});
  };
  return new Proxy(inner, {
    get: (target, key) => {
      if (key === "commit") return commit;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** One direction of a link, a frame at a time, closed when any of `ends` aborts. */
function watched(
  from: ReadableStream<Uint8Array>,
  life: Life,
  at: "down" | "up",
  ends: readonly AbortSignal[],
): ReadableStream<Uint8Array> {
  let isOpen = true;
  return new ReadableStream<Uint8Array>({
    cancel() {
      isOpen = false;
    },
    start(controller) {
      const source = decodeLines(from, MAX_FRAME_BYTES);
      const close = () => {
        if (isOpen) controller.close();
        isOpen = false;
        void source.return(undefined);
      };
      for (const end of ends) end.addEventListener("abort", close);
      const carry = async () => {
        for await (const frame of source) {
          const line = encode(frame);
          const say = () => isOpen ? controller.enqueue(line) : undefined;
          const { type } = frame as { type: string };
          if (UNCOUNTED.has(type)) say();
          else if (!await life.passes(at, say)) return;
        }
      };
      void carry().catch(() => {}).finally(close);
    },
  });
}

function encode(frame: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(frame)}\n`);
}
