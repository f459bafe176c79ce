/**
 * Processes that stand still (SIGSTOP) past the lease, and a machine whose
 * power failed: what is known of VMs becomes true again by itself.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { NodeView } from "../../src/schema/change.ts";
import { signalProcess } from "../../src/sys/process_table.ts";
import { compiledUsher } from "../support/compiled.ts";
import { isNamespaceAllowed } from "../support/namespace.ts";
import { qemuNode, simNode } from "../support/node_plan.ts";
import { ProcessSite } from "../support/process_site.ts";
import { GUEST, whyNoQemu } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";

const LEASE = "4s";
const PATIENCE = { deadlineMs: 120_000 };
const OTHER_BOOT =
  new URL("../support/other_boot.sh", import.meta.url).pathname;

/** A site of one node with guests, of which `web` runs. */
async function withGuest(
  through: readonly string[] = [],
): Promise<ProcessSite> {
  const site = await ProcessSite.start({
    nodes: [{ ...qemuNode("n1"), through }],
    ctrl: { node_lease: LEASE },
    usher: await compiledUsher(),
  });
  const path = `${site.dir}/web.raw`;
  await Deno.copyFile(`${GUEST}/boot.raw`, path);
  const spec = { memoryMiB: 32, disks: [{ path, format: "raw" }] };
  await site.run({ verb: "start", names: ["web"], spec });
  return site;
}

Deno.test("a controller frozen past the lease of its nodes takes none of them for lost", async () => {
  await using site = await ProcessSite.start({
    nodes: [simNode("n1")],
    ctrl: { node_lease: LEASE },
    usher: await compiledUsher(),
  });
  await site.run({ verb: "start", names: ["web"], spec: { memoryMiB: 16 } });
  const before = (await site.vm("web")).status;
  const { ctrl } = site;
  ctrl.signal("SIGSTOP");
  const frozen = performance.now();
  // The node notices, and dials in vain.
  await until(
    "the node says that nobody answers",
    () => /session ended/.test(site.node("n1").err),
    PATIENCE,
  );
  await until("the lease is over", () => performance.now() - frozen > 5000);
  ctrl.signal("SIGCONT");

  await site.untilReady("n1");
  site.reconnect();

  await site.run({ verb: "pause", names: ["web"] });
  await site.run({ verb: "resume", names: ["web"] });
  strictEqual(/a node is lost/.test(ctrl.err), false, ctrl.err);
  strictEqual((await site.vm("web")).status.incarnation, before.incarnation);
});

Deno.test({
  name:
    "an LNM frozen past its lease: its VM is unknown and then what it was, and what was asked ends",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    await using site = await withGuest();
    const before = (await site.vm("web")).status;
    const guests = site.guests("n1").map(({ id }) => id.pid);
    const lnm = site.node("n1");
    lnm.signal("SIGSTOP");
    const asked = await site.submit({ verb: "pause", names: ["web"] });
    await site.untilNode("n1", "lost");
    strictEqual((await site.vm("web")).status.state, "unknown");
    const [outcome] = (await site.ends(asked.request)).outcomes;
    strictEqual(outcome?.state, "failed");

    lnm.signal("SIGCONT");

    await site.untilReady("n1");
    // The pause lay in the node's socket all the time. It has failed, so it
    // must not come to be now.
    const { state, incarnation } = (await site.vm("web")).status;
    deepStrictEqual([state, incarnation], ["running", before.incarnation]);
    deepStrictEqual(site.guests("n1").map(({ id }) => id.pid), guests);
    await site.run({ verb: "pause", names: ["web"] });
    strictEqual((await site.vm("web")).status.state, "paused");
  },
});

Deno.test({
  name:
    "the power of a node fails: its VM has crashed, with the evidence, and starts again with nothing in its way",
  ignore: whyNoQemu() !== undefined || !isNamespaceAllowed(),
  async fn() {
    const boots = ["aaaaaaaa", "bbbbbbbb"].map((first) =>
      `${first}-0000-4000-8000-000000000000`
    );
    await using site = await withGuest([OTHER_BOOT, boots[0] ?? ""]);
    const asked = await site.submit({ verb: "reboot", names: ["web"] });
    await site.node("n1").kill();
    for (const { id } of site.guests("n1")) signalProcess(id, "SIGKILL");
    await until("the guest is gone", () => site.guests("n1").length === 0);
    // What lies in /run goes with the power.
    await Deno.remove(`${site.dir}/r/n1`, { recursive: true });
    site.replan("n1", { through: [OTHER_BOOT, boots[1] ?? ""] });

    await site.startNode("n1");

    await site.untilReady("n1");
    await site.ends(asked.request);
    const { status } = await site.vm("web");
    if (status.state !== "running") {
      strictEqual(status.state, "crashed");
      match(status.reason, /reboot|power/);
      await site.run({ verb: "start", names: ["web"] });
    }
    strictEqual((await site.vm("web")).status.state, "running");
    strictEqual(site.guests("n1").length, 1);
    const node = await site.call<NodeView>("GET", "/v1/nodes/n1");
    strictEqual(node.bootId, boots[1]);
  },
});
