/**
 * Nodes that are cut off, with real guests: whatever becomes of their LNM, the
 * guard pauses what it has in hand before another copy runs, and what comes
 * back is one copy.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { guardFiles } from "../../src/driver/guard/protocol.ts";
import { layOut } from "../../src/driver/qemu/layout.ts";
import { QmpClient } from "../../src/driver/qemu/qmp/client.ts";
import type { VmView } from "../../src/schema/change.ts";
import { isFrozen, readLiving } from "../../src/sys/process_table.ts";
import { connectUnix } from "../../src/sys/unix_socket.ts";
import { qemuNode } from "../support/node_plan.ts";
import { ProcessSite } from "../support/process_site.ts";
import { Proxy } from "../support/proxy.ts";
import { GUEST, whyNoQemu } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";

const PATIENCE = { deadlineMs: 60_000, everyMs: 20 };

/** A site whose node n1 may be cut off. */
class CutSite implements AsyncDisposable {
  readonly site: ProcessSite;
  readonly #links: Map<string, Proxy>;

  private constructor(site: ProcessSite, links: Map<string, Proxy>) {
    this.site = site;
    this.#links = links;
  }

  static async start(...names: string[]): Promise<CutSite> {
    const links = new Map<string, Proxy>();
    const site = await ProcessSite.start({
      ctrl: {
        node_lease: "3s",
        takeover_margin: "5s",
        defaults: { driver: "qemu" },
      },
      nodes: names.map((name) => ({
        ...qemuNode(name),
        url: (port: number) => {
          const proxy = new Proxy(port);
          links.set(name, proxy);
          return `https://127.0.0.1:${proxy.port}`;
        },
      })),
    });
    return new CutSite(site, links);
  }

  link(name: string): Proxy {
    const proxy = this.#links.get(name);
    if (proxy === undefined) throw new Error(`${name} has no link`);
    return proxy;
  }

  /** Starts VMs on n1, on disks that every node sees; waits until those that are to be are guarded. */
  async startVms(spec: Record<string, unknown>, ...names: string[]) {
    for (const name of names) {
      const path = `${this.site.dir}/${name}.raw`;
      await Deno.copyFile(`${GUEST}/boot.raw`, path);
      await this.site.run({
        verb: "start",
        names: [name],
        on: "n1",
        spec: {
          memoryMiB: 32,
          disks: [{ path, format: "raw", shared: true }],
          ...spec,
        },
      });
      if (spec.onNodeLoss !== "restart") continue;
      await until(`${name} is guarded`, async () => {
        const { status } = await this.site.vm(name);
        return status.guard?.incarnation === status.incarnation;
      }, PATIENCE);
    }
  }

  /** Waits until `node` runs a VM. */
  async runsOn(name: string, node: string): Promise<VmView> {
    return await until(`${name} runs on ${node}`, async () => {
      const vm = await this.site.vm(name);
      return vm.node === node && vm.status.state === "running" ? vm : null;
    }, PATIENCE);
  }

  /** The process of a VM on a node; undefined when there is none. */
  guest(node: string, uid: string) {
    return this.site.guests(node).find(({ marker }) => marker.uid === uid)?.id;
  }

  /** Whether the guest's processors stand still, as QEMU or the kernel says. */
  async isStill(node: string, uid: string): Promise<boolean> {
    const process = this.guest(node, uid);
    if (process === undefined || isFrozen(process)) return true;
    const { dir } = this.site;
    const layout = layOut(`${dir}/${node}/qemu`, `${dir}/r/${node}/qemu`);
    using monitor = new QmpClient();
    await monitor.open(
      () => connectUnix(layout?.files(uid).monitors[1] ?? ""),
      AbortSignal.timeout(10_000),
    );
    const answer = await monitor.execute("query-status", {}, {
      deadlineMs: 10_000,
    });
    monitor.close();
    await monitor.ended;
    return (answer as { running: boolean }).running === false;
  }

  /** What n1's guard holds. */
  held(): string[] {
    const path = guardFiles(`${this.site.dir}/r/n1/qemu`).held;
    try {
      const held = JSON.parse(Deno.readTextFileSync(path));
      return held.map(({ uid }: { uid: string }) => uid);
    } catch {
      return [];
    }
  }

  /** Waits until n2 has a process of the VM; at that moment n1's must stand still. */
  async assertTakenOver(uid: string): Promise<void> {
    await until(
      "n2 has a copy",
      () => this.guest("n2", uid) !== undefined,
      { ...PATIENCE, everyMs: 5 },
    );
    strictEqual(await this.isStill("n1", uid), true, "two copies run");
    deepStrictEqual(this.held(), [uid]);
  }

  /** Waits until n1, back again, has no copy; the one on n2 is as it was. */
  async assertOneCopy(name: string, before: VmView): Promise<void> {
    const { uid } = before;
    await until(
      "the older copy is gone",
      () => this.guest("n1", uid) === undefined,
      PATIENCE,
    );
    const after = await this.runsOn(name, "n2");
    strictEqual(after.status.incarnation, before.status.incarnation);
    strictEqual(await this.isStill("n2", uid), false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
    for (const proxy of this.#links.values()) {
      await proxy[Symbol.asyncDispose]();
    }
  }
}

const RESTART = { onNodeLoss: "restart" };

function faultTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: whyNoQemu() !== undefined, fn });
}

faultTest(
  "LNM killed while its node is cut off: the guard pauses the VM before it runs elsewhere, and one copy stays",
  async () => {
    await using cut = await CutSite.start("n1", "n2");
    const { site } = cut;
    await cut.startVms(RESTART, "web");
    await cut.startVms({}, "waits");
    const { uid, generation } = await site.vm("web");
    const waits = await site.vm("waits");

    cut.link("n1").shut();
    await site.node("n1").kill();

    await cut.assertTakenOver(uid);
    const after = await cut.runsOn("web", "n2");
    ok(after.generation > generation);
    strictEqual(await cut.isStill("n1", waits.uid), false, "it runs on");
    strictEqual((await site.vm("waits")).status.state, "unknown");

    cut.link("n1").open();
    await site.startNode("n1");
    await site.untilReady("n1");
    await cut.assertOneCopy("web", after);
    strictEqual(
      (await cut.runsOn("waits", "n1")).status.incarnation,
      waits.status.incarnation,
    );
  },
);

faultTest(
  "LNM stopped (SIGSTOP) while its node is cut off, and the controller killed meanwhile: likewise",
  async () => {
    await using cut = await CutSite.start("n1", "n2");
    const { site } = cut;
    await cut.startVms(RESTART, "web");
    const { uid } = await site.vm("web");

    cut.link("n1").shut();
    site.node("n1").signal("SIGSTOP");
    await until("the guard holds it", () => cut.held().length > 0, PATIENCE);
    await site.restartCtrl();

    await cut.assertTakenOver(uid);
    const after = await cut.runsOn("web", "n2");

    cut.link("n1").open();
    site.node("n1").signal("SIGCONT");
    await site.untilReady("n1");
    await cut.assertOneCopy("web", after);
  },
);

faultTest(
  "a node that is cut off, with nobody to take over: what the guard paused goes on, what its owner paused does not",
  async () => {
    await using cut = await CutSite.start("n1");
    const { site } = cut;
    await cut.startVms(RESTART, "web", "frozen");
    await site.run({ verb: "pause", names: ["frozen"] });
    const web = await site.vm("web");
    const frozen = await site.vm("frozen");
    const process = cut.guest("n1", web.uid);

    cut.link("n1").shut();
    await until(
      "the guard holds it",
      async () =>
        cut.held().includes(web.uid) && await cut.isStill("n1", web.uid),
      PATIENCE,
    );
    await site.untilNode("n1", "lost");
    match(
      (await site.vm("web")).status.reason,
      /out of reach \(it was running\)/,
    );
    cut.link("n1").open();

    const after = await cut.runsOn("web", "n1");
    deepStrictEqual(after.status.incarnation, web.status.incarnation);
    ok(
      process !== undefined && readLiving(process) !== null,
      "the same process",
    );
    await until(
      "QEMU runs it",
      async () => !await cut.isStill("n1", web.uid),
      PATIENCE,
    );
    strictEqual(await cut.isStill("n1", frozen.uid), true);
    strictEqual((await site.vm("frozen")).status.state, "paused");
    deepStrictEqual(cut.held(), []);
  },
);
