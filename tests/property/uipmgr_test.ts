/**
 * `uipmgr` under crashes: whatever breaks off at whichever write, before or
 * after it counts, and whatever is never told, no two VMs have one address,
 * and the next start of the controller leaves a lease for each VM and no more,
 * also of starts that were refused a moment ago.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { forgetRead } from "../../plugins/uipmgr/own_leases.ts";
import * as uipmgr from "../../plugins/uipmgr/plugin.ts";
import type { VmView } from "../../src/schema/change.ts";
import type { StartValue } from "../../src/schema/event_value.ts";
import {
  type Bench,
  type BenchSite,
  onBench,
} from "../support/plugin_bench.ts";
import { aVm, startRequest } from "../support/plugin_values.ts";
import { uid } from "../support/stored.ts";

/** Three addresses for three names. */
const OPTIONS = {
  ranges: { lab: { ipv4: { network: "10.1.0.0/29", last: "10.1.0.3" } } },
  dfltrange: "lab",
};

const crash = fc.option(
  fc.record({ atCommit: fc.nat(2), isAfter: fc.boolean() }),
  { freq: 1 },
);
const deed = fc.record({
  vm: fc.nat(2).map((n) => `vm${n}.lab.ann`),
  what: fc.constantFrom("start", "start", "end", "fail", "late", "compare"),
  /** Breaks off the call that decides, and the one that tells. */
  deciding: crash,
  telling: crash,
  /** The same decision is made again after the crash. */
  isAgain: fc.boolean(),
  /** The request that was decided never comes to be. */
  isRefused: fc.boolean(),
  /** It is one that was sent before, under the same id. */
  isSentAgain: fc.boolean(),
  /** Leases are compared between the decision and its end. */
  isLookedAt: fc.boolean(),
  /** What happened is not told, or late. */
  isUntold: fc.boolean(),
});
type Deed = typeof deed extends fc.Arbitrary<infer D> ? D : never;
type Crash = Deed["deciding"];

Deno.test("uipmgr gives no address twice and loses none, whatever crashes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(deed, { maxLength: 40, size: "max" }),
      async (deeds) => {
        forgetRead();
        await using bench = await onBench(uipmgr, { options: OPTIONS });
        const world = new World(bench);
        for (const one of deeds) {
          await world.does(one);
          world.check();
        }
        for (let times = 0; times < 2; times++) {
          await bench.call("ctrl_start", [{}]);
          deepStrictEqual(leasedIn(bench.site), world.addresses());
        }
      },
    ),
    { numRuns: 120 },
  );
});

/** The VMs that there are, and what happens to them. */
class World {
  readonly #bench: Bench;
  readonly #answer: BenchSite["answer"];
  #made = 0;
  /** A start that came to nothing and may be sent again, as it was. */
  #given: readonly [vm: string, decision: string] | null = null;
  /** Ends that were not told. */
  readonly #untold: [event: string, args: readonly unknown[]][] = [];

  constructor(bench: Bench) {
    this.#bench = bench;
    this.#answer = bench.site.answer.bind(bench.site);
  }

  async does(deed: Deed): Promise<void> {
    const vm = this.#site.vms.find(({ name }) => name === deed.vm);
    if (deed.what === "compare") {
      await this.#calls("ctrl_start", [{}], deed.telling);
    } else if (deed.what === "late") {
      const [event, args] = this.#untold.shift() ?? [];
      if (event && args) await this.#calls(event, args, deed.telling);
    } else if (deed.what === "start") {
      if (vm === undefined) await this.#start(deed);
    } else if (vm !== undefined) {
      this.#site.vms = this.#site.vms.filter((it) => it !== vm);
      const end: [string, readonly unknown[]] = deed.what === "end"
        ? ["unregister", [vm]]
        : ["start_failure", [vm, {}]];
      if (deed.isUntold) this.#untold.push(end);
      else await this.#calls(...end, deed.telling);
    }
  }

  /** No two VMs have one address. */
  check(): void {
    const all = this.addresses();
    strictEqual(new Set(all).size, all.length);
  }

  addresses(): string[] {
    return this.#site.vms.map(({ args }) => args["ip"] ?? "none").toSorted();
  }

  get #site(): BenchSite {
    return this.#bench.site;
  }

  async #start(deed: Deed): Promise<void> {
    const [name, decision] = deed.isSentAgain && this.#given?.[0] === deed.vm
      ? this.#given
      : [deed.vm, `decision-${++this.#made}`];
    this.#given = [name, decision];
    const request = [startRequest([name], { id: decision })];
    const ask = (crash: Crash) =>
      this.#calls("start_request", request, crash, decision);
    this.#site.awaited.add(decision);
    const answer = await ask(deed.deciding) ??
      (deed.isAgain ? await ask(null) : null);
    // Others look for what is for nobody while it is not known what becomes of this.
    if (deed.isLookedAt) await this.#calls("periodic", [], deed.telling);
    this.#site.awaited.delete(decision);
    if (answer === null || deed.isRefused) return;
    this.#given = null;
    const { vmArgs } = answer[0] as StartValue;
    const vm: VmView = aVm(deed.vm, {
      uid: uid(`made${String(this.#made).padStart(4, "0")}`),
      args: vmArgs[deed.vm] ?? {},
    });
    this.#site.vms = [...this.#site.vms, vm];
    if (!deed.isUntold) await this.#calls("register", [vm], deed.telling);
  }

  /** Null when the call failed: it was refused, or the process died in it. */
  async #calls(
    event: string,
    args: readonly unknown[],
    crash: Crash,
    decision = `told-${++this.#made}`,
  ): Promise<readonly unknown[] | null> {
    let commits = 0;
    this.#site.answer = (name, params, asking) => {
      const isIt = crash !== null && name === "state.commit" &&
        commits++ === crash.atCommit;
      if (!isIt) return this.#answer(name, params, asking);
      const done = crash.isAfter
        ? this.#answer(name, params, asking)
        : Promise.resolve();
      return done.then(() => Promise.reject(new Error("the process died")));
    };
    try {
      return await this.#bench.call(event, args, { decision });
    } catch {
      return null;
    } finally {
      this.#site.answer = this.#answer;
      // A process that died knows nothing of what it had read.
      if (crash !== null) forgetRead();
    }
  }
}

/** Addresses that have a lease. */
function leasedIn(site: BenchSite): string[] {
  return [...site.state].flatMap(([key, block]) => {
    const high = BigInt(`0x${key.split("/").at(-1)}`) << 7n;
    return Object.keys(block as Record<string, unknown>).map((low) => {
      const value = high | BigInt(`0x${low}`);
      return [24n, 16n, 8n, 0n].map((by) => value >> by & 255n).join(".");
    });
  }).toSorted();
}
