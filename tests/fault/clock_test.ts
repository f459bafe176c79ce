/**
 * The machine's clock, set forwards and backwards under a running controller
 * and node, and between two of their lives.
 *
 * Leases, sessions and deadlines go by a clock that cannot be set; ids, tokens
 * and certificates go by the one that can, and bear it.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { NodeView } from "../../src/schema/change.ts";
import { compiledUsher } from "../support/compiled.ts";
import { simNode } from "../support/node_plan.ts";
import { ProcessSite } from "../support/process_site.ts";
import { until } from "../support/wait.ts";

/** Where Debian has the library of `faketime`. */
const LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/** A site whose machines' clock is set by writing to a file. */
class ClockedSite implements AsyncDisposable {
  readonly site: ProcessSite;
  readonly #clock: string;

  private constructor(site: ProcessSite, clock: string) {
    this.site = site;
    this.#clock = clock;
  }

  static async start(): Promise<ClockedSite> {
    const clock = await Deno.makeTempFile({ prefix: "usher_clock_" });
    await Deno.writeTextFile(clock, "+0");
    const env = {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: "1",
      // The kernel's does not go back, whoever sets the clock.
      DONT_FAKE_MONOTONIC: "1",
    };
    const site = await ProcessSite.start({
      nodes: [{ ...simNode("n1"), env }],
      ctrl: { node_lease: "5s" },
      env,
      usher: await compiledUsher(),
    });
    return new ClockedSite(site, clock);
  }

  /** Sets the clock so far from the real one, such as `+20d`. */
  async set(offset: string): Promise<void> {
    await Deno.writeTextFile(this.#clock, offset);
  }

  async node(): Promise<NodeView> {
    return await this.site.call<NodeView>("GET", "/v1/nodes/n1");
  }

  /** All verbs work; answers how many days ahead the controller is. */
  async assertWorks(name: string): Promise<number> {
    const names = [name];
    await this.site.run({ verb: "start", names, spec: { memoryMiB: 16 } });
    const { createdAt } = await this.site.vm(name);
    for (const verb of ["pause", "resume", "cycle", "destroy"]) {
      await this.site.run({ verb, names });
    }
    // No negative zero.
    return Math.round((Date.parse(createdAt) - Date.now()) / 86_400_000) + 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
    await Deno.remove(this.#clock);
  }
}

Deno.test("a clock that is set days ahead and back again: no node is lost, no VM changes, all verbs work", async () => {
  await using clocked = await ClockedSite.start();
  const { site } = clocked;
  await site.run({ verb: "start", names: ["web"], spec: { memoryMiB: 16 } });
  const before = (await site.vm("web")).status;
  const { since } = await clocked.node();

  const days = [];
  for (const [i, offset] of ["+20d", "-30m", "+300d", "+0"].entries()) {
    await clocked.set(offset);
    days.push(await clocked.assertWorks(`vm-${i}`));
  }
  deepStrictEqual(days, [20, 0, 300, 0]);

  const node = await clocked.node();
  deepStrictEqual([node.state, node.since], ["ready", since]);
  deepStrictEqual((await site.vm("web")).status, before);
});

Deno.test("a controller and a node that come back to another time: they find each other, and operations keep their order", async () => {
  await using clocked = await ClockedSite.start();
  const { site } = clocked;
  await site.run({ verb: "start", names: ["web"], spec: { memoryMiB: 16 } });
  for (const offset of ["+20d", "+0", "-30m"]) {
    await site.node("n1").kill();
    await site.untilNode("n1", "silent");
    // What is asked now waits for the node, and for each other.
    const first = await site.submit({ verb: "pause", names: ["web"] });
    await site.ctrl.kill();
    await clocked.set(offset);
    await site.startCtrl();
    const second = await site.submit({ verb: "resume", names: ["web"] });
    await site.restartCtrl();

    await site.startNode("n1");

    await site.untilReady("n1");
    for (const { request } of [first, second]) {
      const [outcome] = (await site.ends(request)).outcomes;
      strictEqual(outcome?.state, "succeeded", JSON.stringify(outcome));
    }
    await until(
      "it runs",
      async () => (await site.vm("web")).status.state === "running",
    );
    await clocked.assertWorks("other");
  }
});
