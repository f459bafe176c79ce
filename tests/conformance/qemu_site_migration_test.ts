/**
 * A real guest that moves between two nodes of a whole site: the request, the
 * certificates that the nodes get from the controller for it, and what is left.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { layOut } from "../../src/driver/qemu/layout.ts";
import type { VmView } from "../../src/schema/change.ts";
import { scanProcesses } from "../../src/driver/qemu/process_scan.ts";
import { GUEST, whyNoQemu } from "../support/qemu_node.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

/** Two nodes, n1 and n2, that run real guests. */
class TwoNodes implements AsyncDisposable {
  readonly #dir: string;
  readonly site: TestSite;

  private constructor(dir: string, site: TestSite) {
    this.#dir = dir;
    this.site = site;
  }

  static async start(): Promise<TwoNodes> {
    const dir = await Deno.makeTempDir({ prefix: "uqm" });
    const site = await TestSite.start({
      nodes: 2,
      stateDir: dir,
      driver: "qemu",
      lnm: { drivers: { qemu: { accel: "tcg" } } },
    });
    return new TwoNodes(dir, site);
  }

  /** Pids of the guests of a node. */
  guests(node: string): number[] {
    const layout = layOut(
      `${this.#dir}/${node}/qemu`,
      `${this.#dir}/run/${node}/qemu`,
    );
    return scanProcesses(layout!).own.map(({ id }) => id.pid);
  }

  /** Files of a node's driver that begin with `uid`. */
  files(node: string, uid: string): string[] {
    return ["handles", "overlays", "logs"].flatMap((folder) =>
      [...Deno.readDirSync(`${this.#dir}/${node}/qemu/${folder}`)]
        .filter(({ name }) => name.startsWith(uid)).map(({ name }) => name)
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
    for (const node of ["n1", "n2"]) {
      for (const pid of this.guests(node)) Deno.kill(pid, "SIGKILL");
    }
    const all = () => ["n1", "n2"].flatMap((node) => this.guests(node));
    await until("no guest is left", () => all().length === 0, {
      deadlineMs: 60_000,
    });
    await Deno.remove(this.#dir, { recursive: true });
  }
}

Deno.test({
  name:
    "qemu: a guest of a site moves, live and stopped, and its move can be cancelled",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    await using nodes = await TwoNodes.start();
    const { site } = nodes;
    const disk = { base: `${GUEST}/boot.raw`, format: "raw" };
    const started = await site.run("start", "web", {
      spec: { memoryMiB: 32, disks: [disk] },
      on: "n1",
    });
    strictEqual(started.outcomes[0]?.problem, null);
    const { uid } = await site.vm("web");

    const moved = await site.run("migrate", "web", { to: "n2" });
    strictEqual(moved.outcomes[0]?.problem, null);
    const there = await site.vm("web");
    strictEqual(there.node, "n2");
    strictEqual(there.status.state, "running");
    deepStrictEqual(nodes.guests("n1"), []);
    strictEqual(nodes.guests("n2").length, 1);
    deepStrictEqual(nodes.files("n1", uid), []);

    const slow = await site.submit("migrate", "web", {
      to: "n1",
      bandwidth: 65_536,
    });
    const id = slow.outcomes[0]?.operation ?? "";
    await until("it is being sent", async () => {
      const { progress } = await site.operation(id);
      return progress != null && progress.phase !== "switch";
    }, { deadlineMs: 60_000 });
    await site.call("POST", `/v1/operations/${id}/cancel`);
    const { state, trail } = await site.untilOperation(id, "cancelled");
    strictEqual(state, "cancelled");
    match(JSON.stringify(trail), /stays on n2/);
    strictEqual((await site.vm("web")).status.state, "running");
    deepStrictEqual(nodes.guests("n1"), []);
    deepStrictEqual(nodes.files("n1", uid), []);

    await site.run("poweroff", "web");
    const cold = await site.run("migrate", "web", { to: "n1" });
    strictEqual(cold.outcomes[0]?.problem, null);
    strictEqual((await site.vm("web")).node, "n1");
    deepStrictEqual(nodes.files("n2", uid), []);
    const again = await site.run("start", "web");
    strictEqual(again.outcomes[0]?.problem, null);
    ok(nodes.guests("n1").length === 1);
  },
});

Deno.test({
  name:
    "qemu: a drain moves a node's guests, running and stopped, and the node can be used again",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    await using nodes = await TwoNodes.start();
    const { site } = nodes;
    const disk = { base: `${GUEST}/boot.raw`, format: "raw" };
    const spec = { memoryMiB: 32, disks: [disk] };
    const names = ["a", "b", "off"];
    await site.run("start", names, { spec, on: "n1" });
    await site.run("poweroff", "off");
    const runs = await Promise.all(names.map((name) => site.vm(name)));
    const { body: drain } = await site.call<{ id: string; state: string }>(
      "POST",
      "/v1/nodes/n1/drain",
      {},
    );
    await until("the drain has ended", async () => {
      const path = `/v1/node-operations/${drain.id}`;
      const { body } = await site.call<{ endedAt: string | null }>("GET", path);
      return body.endedAt !== null;
    }, { deadlineMs: 120_000 });
    // Guests of others on this machine stay, and are none of usher's business.
    const { body: { vms } } = await site.call<{ vms: VmView[] }>(
      "GET",
      "/v1/vms?filter=node=n1",
    );
    deepStrictEqual(vms.filter(({ found }) => !found), []);
    deepStrictEqual(nodes.guests("n1"), []);
    strictEqual(nodes.guests("n2").length, 2);
    for (const { uid, name, status } of runs) {
      const now = await site.vm(name);
      strictEqual(now.node, "n2", name);
      strictEqual(now.status.state, status.state, name);
      strictEqual(now.status.incarnation, status.incarnation, name);
      deepStrictEqual(nodes.files("n1", uid), [], name);
    }
    const started = (await site.run("start", "new", { spec, on: "n1" }))
      .outcomes[0]?.problem?.code;
    strictEqual(started, "insufficient_resources");
    await site.call("POST", "/v1/nodes/n1/undrain");
    const back = await site.run("migrate", "a", { to: "n1" });
    strictEqual(back.outcomes[0]?.problem, null);
  },
});
