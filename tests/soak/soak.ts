/**
 * A soak: random verbs on many VMs while the controller and the nodes are
 * killed and frozen at random, in rounds that each end in a quiet point, where
 * the books must agree.
 *
 * @module
 */
import { Random } from "../../src/simulator/random.ts";
import type { Result } from "../../src/schema/operation.ts";
import { signalProcess } from "../../src/sys/process_table.ts";
import { compiledUsher } from "../support/compiled.ts";
import { qemuNode, simNode } from "../support/node_plan.ts";
import { ProcessSite, Refused } from "../support/process_site.ts";
import { GUEST } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";
import {
  assertBooksAgree,
  assertEnded,
  assertNoneOpen,
  endOf,
} from "./account.ts";
import { keepWreck } from "./wreck.ts";
import { type Growth, growthOf, type Sample, sample } from "./growth.ts";
import {
  type Blow,
  type Fleet,
  nextBlow,
  nextWish,
  type Wish,
} from "./plan.ts";

/** How long and how wild. */
export interface SoakOptions {
  readonly seed: string;
  readonly minutes: number;
  readonly simVms: number;
  readonly qemuVms: number;
}

/** What a soak came to; one that is not well throws. */
export interface Soaked {
  readonly seed: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly vms: number;
  readonly requests: number;
  /** Operations by verb and end. */
  readonly ends: ReadonlyMap<string, number>;
  /** Kills and freezes by role. */
  readonly blows: ReadonlyMap<string, number>;
  readonly growth: readonly Growth[];
}

/** So many clients ask beside each other. */
const CLIENTS = 4;
const ROUND_MS = 12_000;
/** A new client is let in after so long. */
const ASK_AGAIN_MS = 200;
const PATIENCE = { deadlineMs: 180_000, everyMs: ASK_AGAIN_MS };

/** A soak under way. */
class Soak {
  readonly #site: ProcessSite;
  readonly #fleets: readonly Fleet[];
  readonly #nodes: readonly string[];
  readonly #ends = new Map<string, number>();
  readonly #blows = new Map<string, number>();
  readonly #samples: Sample[] = [];
  /** The disks of guests. */
  readonly disks: string;
  #requests = 0;
  #rounds = 0;

  constructor(site: ProcessSite, fleets: readonly Fleet[]) {
    this.#site = site;
    this.#fleets = fleets;
    this.#nodes = fleets.flatMap(({ nodes }) => nodes);
    this.disks = `${site.dir}/disks`;
  }

  /** Makes every VM; each guest has a disk that all nodes see. */
  async populate(): Promise<void> {
    await Deno.mkdir(this.disks);
    for (const { driver, names } of this.#fleets) {
      if (driver === "qemu") {
        for (const name of names) {
          await Deno.copyFile(`${GUEST}/boot.raw`, this.#disk(name));
          await this.#ask({ verb: "start", names: [name] }, `first-${name}`);
        }
      } else await this.#ask({ verb: "start", names }, "first-of-all");
    }
    await this.#rest();
  }

  /** Verbs and blows, then rest. */
  async round(random: Random): Promise<void> {
    this.#rounds++;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), ROUND_MS);
    try {
      await Promise.all([
        this.#strike(random.fork("blows"), over.signal),
        ...Array.from(
          { length: CLIENTS },
          (_, i) => this.#work(random.fork(`client ${i}`), i, over.signal),
        ),
      ]);
      await this.#rest();
    } finally {
      clearTimeout(timer);
      over.abort();
    }
  }

  /** Takes everything away; nothing may be left. */
  async clear(): Promise<void> {
    const all = this.#fleets.flatMap(({ names }) => names);
    const there = new Set((await this.#site.vms()).map(({ name }) => name));
    const names = all.filter((name) => there.has(`${name}.default.admin`));
    await this.#ask({ verb: "destroy", names }, "last-of-all");
    await this.#rest();
    const left = (await this.#site.vms()).find(({ found }) => !found);
    if (left !== undefined) throw new Error(`Left: ${left.name}`);
    for (const { driver, nodes } of this.#fleets) {
      if (driver === "sim") continue;
      for (const node of nodes) assertNothingLeft(this.#site, node);
    }
  }

  result(seed: string, seconds: number): Soaked {
    return {
      seed,
      seconds,
      rounds: this.#rounds,
      vms: this.#fleets.flatMap(({ names }) => names).length,
      requests: this.#requests,
      ends: this.#ends,
      blows: this.#blows,
      growth: growthOf(this.#samples),
    };
  }

  /** One client: asks, waits for the end, asks again. */
  async #work(random: Random, index: number, over: AbortSignal): Promise<void> {
    for (let i = 0; !over.aborted; i++) {
      const id = `soak-${this.#rounds}-${index}-${i}`;
      await this.#ask(nextWish(random, this.#fleets), id);
    }
  }

  /** Asks until there is an answer, and then until all has ended. */
  async #ask(wish: Wish, id: string): Promise<void> {
    const result = await this.#result(wish, id);
    if (result === null) return;
    this.#requests++;
    assertEnded(wish.names, result);
    for (const outcome of result.outcomes) {
      count(this.#ends, `${wish.verb} ${endOf(outcome)}`);
    }
  }

  /** Null when it was refused as a whole. */
  async #result(wish: Wish, id: string): Promise<Result | null> {
    const asks = wish.verb === "shutdown" || wish.verb === "reboot";
    const grace = asks ? { graceMs: 10_000 } : {};
    const body = { id, ...wish, ...this.#specOf(wish), ...grace };
    return await until(`request ${id} has ended`, async () => {
      try {
        const result = await this.#site.submit(body);
        return result.done ? { result } : null;
      } catch (error) {
        // What names a VM that is gone is refused before anything is done.
        // With 401 a new controller refuses the token of the last one.
        const isFinal = error instanceof Refused && error.status < 500 &&
          error.status !== 401;
        if (isFinal) {
          count(this.#ends, `${wish.verb} refused: ${error.status}`);
          return { result: null };
        }
        throw error;
      }
    }, PATIENCE).then(({ result }) => result, async (error) => {
      throw new Error(`${error.message}; ${await this.#situation()}`);
    });
  }

  /** What moves, and where: for who has to find out why something is stuck. */
  async #situation(): Promise<string> {
    const open = await this.#site.open();
    const concerned = new Set(open.map(({ uid }) => uid));
    const vms = (await this.#site.vms()).filter(({ uid }) =>
      concerned.has(uid)
    );
    const nodes = await this.#site.call("GET", "/v1/nodes");
    return JSON.stringify({ open, vms, nodes }, null, 1);
  }

  #specOf({ verb, names: [name = ""] }: Wish): Record<string, unknown> {
    if (verb !== "start") return {};
    const { driver } = this.#fleets.find(({ names }) => names.includes(name))!;
    if (driver === "sim") return { spec: { driver, memoryMiB: 16 } };
    const disk = { path: this.#disk(name), format: "raw", shared: true };
    return { spec: { driver, memoryMiB: 32, disks: [disk] } };
  }

  #disk(name: string): string {
    return `${this.disks}/${name}.raw`;
  }

  async #strike(random: Random, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const blow = nextBlow(random, this.#nodes);
      await pause(blow.pauseMs, over);
      if (over.aborted) return;
      await this.#deal(blow, over);
    }
  }

  async #deal(
    { kind, victims, awayMs }: Blow,
    over: AbortSignal,
  ): Promise<void> {
    for (const victim of victims) count(this.#blows, `${victim} ${kind}`);
    if (kind === "freeze") {
      for (const victim of victims) this.#role(victim).signal("SIGSTOP");
      await pause(awayMs, over);
      for (const victim of victims) this.#role(victim).signal("SIGCONT");
      return;
    }
    await Promise.all(victims.map((victim) => this.#role(victim).kill()));
    for (const victim of kind === "power" ? victims : []) {
      if (victim === "ctrl") continue;
      for (const { id } of this.#site.guests(victim)) {
        signalProcess(id, "SIGKILL");
      }
    }
    await pause(awayMs, over);
    await Promise.all(victims.map(async (victim) => {
      if (victim === "ctrl") await this.#site.startCtrl();
      else await this.#site.startNode(victim);
    }));
  }

  #role(name: string) {
    return name === "ctrl" ? this.#site.ctrl : this.#site.node(name);
  }

  /** Waits until nothing moves any more, and looks at everything. */
  async #rest(): Promise<void> {
    for (const node of this.#nodes) await this.#site.untilReady(node);
    assertNoneOpen(await this.#site.open());
    await assertBooksAgree(this.#site, this.#fleets);
    for (const role of ["ctrl", ...this.#nodes]) {
      this.#samples.push(await sample(role, this.#role(role).pid));
    }
  }
}

/** Sockets, pid files and handles of guests that are gone, too. */
function assertNothingLeft(site: ProcessSite, node: string): void {
  const folders = [
    `${site.dir}/r/${node}/qemu`,
    `${site.dir}/${node}/qemu/handles`,
    `${site.dir}/${node}/qemu/overlays`,
  ];
  for (const folder of folders) {
    const [left] = [...Deno.readDirSync(folder)].filter(({ name }) =>
      /^[0-9a-z]{26}/.test(name)
    );
    if (left !== undefined) throw new Error(`Left: ${folder}/${left.name}`);
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}

function fleetOf(
  driver: Fleet["driver"],
  count: number,
  nodes: readonly [string, string],
): Fleet {
  const names = Array.from({ length: count }, (_, i) => `${driver}-${i + 1}`);
  return { driver, names, nodes };
}

/**
 * Runs one soak; throws what is lost, stuck, doubled or grows, with the folder
 * where logs and state are kept.
 */
export async function soak(options: SoakOptions): Promise<Soaked> {
  const { simVms, qemuVms } = options;
  const fleets = [
    fleetOf("sim", simVms, ["s1", "s2"]),
    ...qemuVms === 0 ? [] : [fleetOf("qemu", qemuVms, ["q1", "q2"])],
  ];
  const began = performance.now();
  await using site = await ProcessSite.start({
    nodes: fleets.flatMap(({ driver, nodes }) =>
      nodes.map(driver === "sim" ? simNode : qemuNode)
    ),
    // Small, so that what is kept of the past does not look like a leak.
    ctrl: { history: { operations: 500, changes: 1000 } },
    usher: await compiledUsher(),
    logs: true,
  });
  const it = new Soak(site, fleets);
  try {
    return await run(it, options, began);
  } catch (error) {
    throw await keepWreck(site, error, it.disks);
  }
}

async function run(
  it: Soak,
  { seed, minutes }: SoakOptions,
  began: number,
): Promise<Soaked> {
  const random = new Random(seed);
  await it.populate();
  const end = began + minutes * 60_000;
  for (let i = 0; performance.now() + ROUND_MS < end || i === 0; i++) {
    await it.round(random.fork(`round ${i}`));
  }
  await it.clear();
  const soaked = it.result(seed, (performance.now() - began) / 1000);
  const grown = soaked.growth.filter(({ grows }) => grows);
  if (grown.length > 0) throw new Error(`Grown: ${JSON.stringify(grown)}`);
  return soaked;
}
