/**
 * Nodes with simulated hypervisors around the inside of a controller, under one
 * clock: a place where VMs move, and where all that can break on the way does.
 *
 * Links are cut and nodes and the controller restarted as their processes would
 * be: what was under way is lost, what the hypervisors and the store hold stays.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import type { Driver } from "../../src/driver/driver.ts";
import { isUp } from "../../src/driver/sim/domain.ts";
import type { SimDomain } from "../../src/driver/sim/domain_record.ts";
import type { SimNodeOptions } from "../../src/driver/sim/faults.ts";
import { SimHypervisor } from "../../src/driver/sim/hypervisor.ts";
import { createSimDriver, type SimDriver } from "../../src/driver/sim/mod.ts";
import { Acts } from "../../src/lnm/acts.ts";
import { type DriverSet, frameOf } from "../../src/lnm/driver_set.ts";
import { thinned } from "../../src/lnm/progress.ts";
import type { DomainFrame } from "../../src/schema/frame.ts";
import type { Operation } from "../../src/schema/operation.ts";
import type { Vm } from "../../src/schema/vm.ts";
import { openMemoryStore } from "../../src/store/memory_store.ts";
import { FailingStore } from "../../src/store/failing_store.ts";
import { FakeClock } from "./fake_clock.ts";
import { type Act, type Answer, SmallCtrl } from "./small_ctrl.ts";

const { signal } = new AbortController();

/** Told of an act before its node hears of it, and after it has answered. */
export type Meddler = (
  act: Act,
  when: "before" | "after",
) => void | Promise<void>;

/** One node: its hypervisor, and the LNM that works there now. */
interface Node {
  readonly hypervisor: SimHypervisor;
  driver: SimDriver;
  acts: Acts;
  isCut: boolean;
}

/** A controller that may be restarted, and its nodes. */
export class MovingWorld implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly store: FailingStore;
  ctrl!: SmallCtrl;
  /** No node reports by itself what its driver notices. */
  isMute = false;
  /** What breaks, and when. */
  meddle: Meddler = () => {};
  readonly #nodes = new Map<string, Node>();

  private constructor(store: FailingStore) {
    this.store = store;
  }

  static async open(
    names: readonly string[] = ["n1", "n2"],
    faults: Readonly<Record<string, Partial<SimNodeOptions>>> = {},
  ): Promise<MovingWorld> {
    const world = new MovingWorld(new FailingStore(await openMemoryStore()));
    for (const name of names) await world.#add(name, faults[name] ?? {});
    await world.startCtrl();
    return world;
  }

  /** The knobs of a node's driver. */
  faults(name: string): SimNodeOptions {
    return this.#node(name).driver.faults;
  }

  /** The controller is there, and every node that is not cut has told what it runs. */
  async startCtrl(): Promise<void> {
    const { clock, store } = this;
    this.ctrl = await SmallCtrl.open({ clock, store, nodes: [] });
    this.ctrl.node = (act) => this.#answer(act);
    for (const name of this.#nodes.keys()) await this.ctrl.join(name);
    for (const name of this.#nodes.keys()) {
      const { isCut } = this.#node(name);
      if (isCut) this.ctrl.cut(name);
      else await this.#sync(name);
    }
    this.ctrl.runner.recover();
  }

  /** The controller is killed: nothing that it waited for reaches it any more. */
  async killCtrl(): Promise<void> {
    const { ctrl } = this;
    ctrl.node = () => new Promise<never>(() => {});
    await ctrl.runner.stop();
    for (const link of ctrl.links.all()) link.session = null;
  }

  /** The LNM of a node is killed, and another one started; domains live on. */
  async restartNode(name: string): Promise<void> {
    const node = this.#node(name);
    this.cut(name);
    const { faults } = node.driver;
    await node.driver[Symbol.asyncDispose]();
    Object.assign(node, await this.#lnm(name, node.hypervisor, faults));
    this.#follow(name);
    await this.heal(name);
  }

  /** The link to a node is cut. */
  cut(name: string): void {
    this.#node(name).isCut = true;
    this.ctrl.cut(name);
  }

  /** A node that was cut off counts as lost. */
  async lose(name: string): Promise<void> {
    this.#node(name).isCut = true;
    await this.ctrl.lose(name);
    await this.ctrl.domains.lost(name);
  }

  /** The link to a node is there again, and the node has told what it runs. */
  async heal(name: string): Promise<void> {
    this.#node(name).isCut = false;
    const node = this.ctrl.records.nodes.latest(name);
    if (node !== undefined && node.state !== "ready") {
      const value = { ...node, state: "ready" as const };
      await this.ctrl.records.write([{ kind: "node", key: name, value }]);
    }
    await this.#sync(name);
    this.ctrl.connect(name);
  }

  /** Lets time pass until `holds`; `what` names it when it never does. */
  async until<T>(
    what: string,
    holds: () => T | null | undefined | false,
    stepMs = 200,
  ): Promise<T> {
    for (let i = 0; i < 3000; i++) {
      const value = holds();
      if (value !== null && value !== undefined && value !== false) {
        return value;
      }
      await this.clock.advance(stepMs);
      if (i % 5 === 4) await this.ctrl.leftovers.sweep();
    }
    throw new Error(`never: ${what}`);
  }

  /** Waits for the end of an operation. */
  async end(id: string, stepMs = 200): Promise<Operation> {
    return await this.until(`operation ${id} ends`, () => {
      const operation = this.ctrl.records.operations.get(id);
      return operation?.endedAt != null ? operation : null;
    }, stepMs);
  }

  /** Starts a VM called `web` on `n1`; answers it. */
  async startWeb(sim: Record<string, unknown> = {}): Promise<Vm> {
    const id = await this.ctrl.submit({
      verb: "start",
      names: ["web"],
      on: "n1",
      spec: { sim },
    });
    const { state, problem } = await this.end(id);
    deepStrictEqual([state, problem], ["succeeded", null]);
    return this.web()!;
  }

  /** Asks for a migration of `web`; answers the operation's id. */
  async migrate(to?: string): Promise<string> {
    return await this.ctrl.submit({
      verb: "migrate",
      names: ["web"],
      ...(to === undefined ? {} : { to }),
    });
  }

  /** The VM called `web`. */
  web(): Vm | undefined {
    return this.ctrl.records.byName("web.default.ann");
  }

  /** What there is of a VM, on every node. */
  copies(uid: string): (SimDomain & { readonly node: string })[] {
    return [...this.#nodes].flatMap(([node, { hypervisor }]) =>
      hypervisor.all().filter((domain) => domain.uid === uid)
        .map((domain) => ({ ...domain, node }))
    );
  }

  /** The guest of a VM crashes on a node. */
  crash(node: string, uid: string): void {
    for (const copy of this.copies(uid)) {
      if (copy.node === node) this.#node(node).hypervisor.crash(copy.domain);
    }
  }

  /** Throws when a VM runs twice. */
  checkOnce(uid: string): void {
    const running = this.copies(uid).filter((copy) =>
      isUp(copy) && copy.phase !== "migrating"
    );
    ok(
      running.length <= 1,
      `it runs on ${running.map(({ node }) => node).join(" and ")}`,
    );
  }

  /** Waits until there is one domain of `uid`, where its record says, in that state. */
  async untilOne(uid: string, state: string): Promise<Vm> {
    return await this.until(`one domain, ${state}, where it should be`, () => {
      const vm = this.ctrl.records.vms.get(uid);
      const copies = this.copies(uid);
      const [copy] = copies;
      const isOne = copies.length === 1 && copy?.phase === state &&
        copy.node === vm?.node && vm.status.state === state;
      return isOne ? vm : null;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killCtrl();
    for (const { driver, hypervisor } of this.#nodes.values()) {
      await driver[Symbol.asyncDispose]();
      hypervisor[Symbol.dispose]();
    }
    await this.store.close();
  }

  async #add(name: string, faults: Partial<SimNodeOptions>): Promise<void> {
    const { clock } = this;
    const hypervisor = await SimHypervisor.open({ clock });
    this.#nodes.set(name, {
      hypervisor,
      isCut: false,
      ...await this.#lnm(name, hypervisor, faults),
    });
    this.#follow(name);
  }

  async #lnm(
    name: string,
    hypervisor: SimHypervisor,
    faults: Partial<SimNodeOptions>,
  ): Promise<Pick<Node, "driver" | "acts">> {
    const driver = await createSimDriver(
      { stateDir: "", log() {} },
      { hypervisor, faults },
    );
    return {
      driver,
      acts: new Acts(
        driversOf(driver),
        this.clock,
        () => {},
        (id) =>
          thinned((progress) => {
            if (this.#node(name).isCut) return;
            this.ctrl.links.link(name).progress(id, progress);
          }, this.clock),
      ),
    };
  }

  /** Reports what the node's driver notices, as its LNM would. */
  #follow(name: string): void {
    const { driver } = this.#node(name);
    void (async () => {
      for await (const report of driver.watch(signal)) {
        if (report.uid !== null) this.checkOnce(report.uid);
        if (this.#node(name).isCut || this.isMute) continue;
        const frame = frameOf("sim", report);
        this.ctrl.links.link(name).hear(frame);
        await this.ctrl.domains.report(name, [frame]).then(
          () => this.ctrl.links.link(name).noted([frame]),
          () => {},
        );
      }
    })();
  }

  async #answer(act: Act): Promise<Answer> {
    const { ctrl } = this;
    await this.meddle(act, "before");
    const node = this.#node(act.node);
    const isLost = () => node.isCut || this.ctrl !== ctrl;
    if (isLost()) return await new Promise<never>(() => {});
    const answer = await node.acts.do({ ...act, type: "act" });
    this.checkOnce(act.uid);
    await this.meddle(act, "after");
    if (isLost()) return await new Promise<never>(() => {});
    return answer;
  }

  async #sync(name: string): Promise<void> {
    const { driver } = this.#node(name);
    const frames = (await driver.list(signal)).map((report): DomainFrame =>
      frameOf("sim", report)
    );
    const known = await this.ctrl.domains.sync(name, frames);
    for (const uid of known) this.ctrl.runner.settled(uid);
  }

  #node(name: string): Node {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    return node;
  }
}

/** The one driver of a node, as its LNM asks for it. */
function driversOf(driver: Driver): DriverSet {
  return {
    get: () => driver,
    look: async ({ uid, domain }: DomainFrame, signal: AbortSignal) =>
      frameOf("sim", await driver.inspect(uid ?? domain, signal)),
    doubt() {},
  } as unknown as DriverSet;
}
