/**
 * A simulated site: the real controller and the real LNMs on virtual time, and
 * everything around them.
 *
 * @module
 */
import type { Engine } from "../ctrl/engine.ts";
import type { SimHypervisor } from "../driver/sim/hypervisor.ts";
import { CtrlConfig } from "../schema/config.ts";
import type { Change } from "../ctrl/records/records.ts";
import type { NodeOperation } from "../schema/node_operation.ts";
import type { Operation } from "../schema/operation.ts";
import type { Node } from "../schema/node.ts";
import type { Vm } from "../schema/vm.ts";
import type { Log } from "../sys/log.ts";
import { Client } from "./client.ts";
import { Controller } from "./controller.ts";
import { SimDisk } from "./disk.ts";
import { History } from "./history.ts";
import { DomainWatch } from "./domain_watch.ts";
import { Ledger } from "./ledger.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import type { Deed, PlanOptions } from "./deed.ts";
import { Random } from "./random.ts";
import { StateWatch } from "./state_watch.ts";
import { Process, VirtualClock } from "./virtual_clock.ts";
import { Watcher } from "./watcher.ts";
import { Witness } from "./witness.ts";

const CLIENTS = 3;
const WATCHERS = 2;

/** How far the clock of a node may be off, in ms. */
const MAX_SKEW_MS = 120_000;

/** Leases that seeds choose from, in seconds; short ones cost a beat each few seconds. */
const LEASES_S = [15, 30, 60, 60, 120];

/** Everything there is in one run. */
export class World {
  readonly clock: VirtualClock;
  readonly history: History;
  readonly disk: SimDisk;
  readonly network = new Network();
  readonly controller: Controller;
  readonly machines: readonly Machine[];
  readonly clients: readonly Client[];
  readonly watchers: readonly Watcher[];
  /** Everyone who asks the clients' API. */
  readonly clientsAndWatchers: readonly Client[];
  readonly ledger = new Ledger();
  readonly witness = new Witness();
  readonly domains: DomainWatch;
  readonly state = new StateWatch();
  /** Does what the plan says; nothing kills it. */
  readonly director: Process;
  /** Deeds that changed nothing: refused, or without what they are about. */
  readonly idle = new Set<Deed>();
  readonly #secrets = new Map<string, string>();

  constructor({ seed, nodes, vms }: PlanOptions) {
    const random = new Random(`world ${seed}`);
    this.clock = new VirtualClock(random.fork("clock"));
    this.history = new History(this.clock);
    this.disk = new SimDisk(random.fork("disk"));
    this.director = new Process(this.clock);
    const now = () => this.director.now();
    this.domains = new DomainWatch(this.ledger, now);
    this.controller = new Controller({
      clock: this.clock,
      random: random.fork("ctrl"),
      disk: this.disk,
      config: CtrlConfig.parse({
        node_lease: `${random.fork("lease").pick(LEASES_S)}s`,
        defaults: { driver: "sim" },
      }),
      log: this.#log("ctrl"),
      hosting: this.witness.hosting(),
      onEngine: (engine) => this.#meet(engine),
    });
    // Room for about as much as the VMs want, so that it runs short at times.
    const memoryMiB = Math.ceil(vms / nodes) * 512 + 1024;
    this.machines = Array.from(
      { length: nodes },
      (_, i) => this.#machine(`n${i + 1}`, memoryMiB, random),
    );
    this.clients = this.#clientsNamed("client", CLIENTS, random);
    const watching = this.#clientsNamed("watcher", WATCHERS, random);
    this.watchers = watching.map((client) => new Watcher(client));
    this.clientsAndWatchers = [...this.clients, ...watching];
  }

  /** The machine called `name`. */
  machine(name: string): Machine {
    const machine = this.machines.find((one) => one.name === name);
    if (machine === undefined) throw new Error(`No machine ${name}`);
    return machine;
  }

  /** Turns everything on. */
  begin(): void {
    this.controller.start();
    void this.#join();
    for (const watcher of this.watchers) void watcher.run();
  }

  /** Every node joins once the first controller serves; then it is turned on. */
  async #join(): Promise<void> {
    while (this.controller.engine === null) await this.director.sleep(100);
    const { nodes } = this.controller.engine;
    for (const machine of this.machines) {
      const { name } = machine;
      const token = await nodes.newToken(name, 60_000);
      const joined = { name, secret: token.secret, version: "sim" };
      this.#secrets.set(name, (await nodes.enrol(joined)).secret);
      await machine.boot();
    }
  }

  #machine(name: string, memoryMiB: number, random: Random): Machine {
    const its = random.fork(name);
    const machine: Machine = new Machine({
      name,
      clock: this.clock,
      random: its,
      network: this.network,
      capacity: { cpus: 64, memoryMiB },
      skewMs: its.int(-MAX_SKEW_MS, MAX_SKEW_MS),
      log: this.#log(name),
      secret: () => this.#secrets.get(name) ?? "",
      controller: () => this.controller.nodes(),
      onBoot: (hypervisor) => this.#follow(machine, hypervisor),
    });
    return machine;
  }

  #clientsNamed(noun: string, count: number, random: Random): Client[] {
    const { clock, network, controller } = this;
    return Array.from({ length: count }, (_, i) => {
      const name = `${noun} ${i + 1}`;
      const its = random.fork(name);
      return new Client({ name, clock, random: its, network, controller });
    });
  }

  #follow(machine: Machine, hypervisor: SimHypervisor): void {
    this.domains.follow(machine);
    hypervisor.listen((domain, before) => {
      if (domain?.phase === before?.phase) return;
      const name = domain?.name ?? before?.name;
      const reason = domain?.reason ? ` (${domain.reason})` : "";
      this.history.add(
        machine.name,
        `domain of ${name} is ${domain?.phase ?? "gone"}${reason}`,
      );
    });
  }

  #meet(engine: Engine): void {
    this.history.add("ctrl", "has read its state");
    this.ledger.follow(engine);
    this.state.follow(engine);
    engine.records.subscribe((changes) => {
      for (const change of changes) {
        if (!isProgress(change)) this.history.add("ctrl", describe(change));
      }
    });
  }

  #log(who: string): Log {
    const say = (message: string, fields: Record<string, unknown> = {}) => {
      this.history.add(who, `says: ${message} ${JSON.stringify(fields)}`);
    };
    const log: Log = {
      debug: () => {},
      info: () => {},
      warn: say,
      error: say,
      with: () => log,
    };
    return log;
  }
}

/** How far a step has come is told to watchers, and is no change of a record. */
function isProgress({ revision, value }: Change): boolean {
  return value !== null && value.revision !== revision;
}

function describe({ kind, revision, id, name, note, value }: Change): string {
  const head = `${revision} ${kind} ${name}`;
  if (value === null) return `${head} is gone`;
  switch (kind) {
    case "vm": {
      const { status, node } = value as Vm;
      return `${head} is ${status.state} on ${node}: ${note}`;
    }
    case "node":
      return `${head} is ${(value as Node).state}`;
    case "cluster":
      return `${head}: ${note}`;
    case "operation":
    case "node-operation": {
      const { problem } = value as Operation | NodeOperation;
      const why = problem === null ? "" : `: ${problem.detail}`;
      return `${head}: ${note}, ${id}${why}`;
    }
  }
}
