/**
 * A whole site of processes whose nodes have libvirt: what people ask for, what
 * others do with virsh beside it, and a node manager that is killed.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { uuidOfUid } from "../../src/driver/identity.ts";
import { isFrozen, readProcess } from "../../src/sys/process_table.ts";
import { LibvirtMachine, whyNoLibvirt } from "../support/libvirt_machine.ts";
import { foreignXml } from "../support/libvirt_node.ts";
import type { NodePlan } from "../support/node_plan.ts";
import { ProcessSite } from "../support/process_site.ts";
import { GUEST, whyNoQemu } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";

const PATIENCE = { deadlineMs: 240_000 };

function libvirtNode(
  name: string,
  { uri }: LibvirtMachine,
  more: Record<string, unknown> = {},
): NodePlan {
  return {
    name,
    config: {
      capacity: { cpus: 1000, memory: "64GiB" },
      drivers: {
        sim: { enabled: false },
        qemu: { enabled: false },
        libvirt: {
          ...{ enabled: true, uri, accel: "tcg", verb_timeout: "4m" },
          ...more,
        },
      },
      migration: { address: "127.0.0.1" },
    },
  };
}

/** Waits until the controller says that a VM is in `state`. */
async function untilState(
  site: ProcessSite,
  name: string,
  state: string,
): Promise<void> {
  await until(`${name} is ${state}`, async () => {
    const { status } = await site.vm(name);
    if (status.state === state) return true;
    throw new Error(`${status.state}: ${status.reason}`);
  }, PATIENCE);
}

Deno.test({
  name:
    "libvirt: a site starts, watches, moves and stops guests, through virsh by hand, a killed node manager and a lost node",
  ignore: (whyNoLibvirt() ?? whyNoQemu()) !== undefined,
  async fn(t) {
    await using one = await LibvirtMachine.open();
    await using two = await LibvirtMachine.open();
    await t.step("from day to day", () => liveOn(one, two));
    await t.step("a node is lost", () => loseNode(one, two));
  },
});

async function liveOn(
  one: LibvirtMachine,
  two: LibvirtMachine,
): Promise<void> {
  for (const name of ["stranger", "wanted"]) {
    const path = `${one.dir}/${name}.xml`;
    await Deno.writeTextFile(path, foreignXml(name));
    await one.virsh("define", path);
    await one.virsh("start", name);
  }
  await using site = await ProcessSite.start({
    nodes: [
      libvirtNode("n1", one, { adopt: ["wanted"] }),
      libvirtNode("n2", two),
    ],
  });
  const disk = { base: `${GUEST}/boot.raw`, format: "raw" };
  const spec = { memoryMiB: 32, disks: [disk] };
  await site.run({ verb: "start", names: ["web"], spec, on: "n1" });
  const { uid, spec: { driver }, status } = await site.vm("web");
  strictEqual(driver ?? "libvirt", "libvirt");
  strictEqual(status.state, "running");

  // By hand, and told.
  await one.virsh("suspend", uuidOfUid(uid));
  await untilState(site, "web", "paused");
  await site.run({ verb: "resume", names: ["web"] });
  await one.virsh("destroy", uuidOfUid(uid));
  await untilState(site, "web", "stopped");
  await site.run({ verb: "start", names: ["web"] });

  // Others' are told, and one that is wanted is usher's.
  const others = (await site.vms()).filter(({ name }) =>
    name.endsWith(".found")
  );
  deepStrictEqual(
    others.map(({ name, found, status }) => [name, found, status.state])
      .sort(),
    [
      ["stranger.n1.found", true, "running"],
      ["wanted.n1.found", false, "running"],
    ],
  );
  await site.run({ verb: "poweroff", names: ["wanted.n1.found"] });
  match(await one.virsh("domstate", "wanted"), /shut off/);
  await site.run({ verb: "start", names: ["wanted.n1.found"] });
  match(await one.virsh("domstate", "wanted"), /running/);

  const before = (await site.vm("web")).status.incarnation;
  await site.run({ verb: "migrate", names: ["web"], to: "n2" });
  const moved = await site.vm("web");
  deepStrictEqual(
    [moved.node, moved.status.state, moved.status.incarnation],
    ["n2", "running", before],
  );
  match(await two.virsh("domstate", uuidOfUid(uid)), /running/);
  deepStrictEqual(one.pidsOf(uuidOfUid(uid)), []);

  await site.restartNode("n2");
  await site.untilReady("n2");
  strictEqual((await site.vm("web")).status.incarnation, before);
  await site.run({ verb: "poweroff", names: ["web"] });
  await site.run({ verb: "unregister", names: ["web"] });
  deepStrictEqual(await two.virsh("list", "--all", "--uuid"), "done");
  match(await one.virsh("list", "--name"), /stranger/);
}

/** n1 is out of reach with its LNM and its daemon: its guard has stopped the guest before n2 runs it. */
async function loseNode(
  one: LibvirtMachine,
  two: LibvirtMachine,
): Promise<void> {
  await using site = await ProcessSite.start({
    ctrl: { node_lease: "4s", takeover_margin: "3s" },
    nodes: [libvirtNode("n1", one), libvirtNode("n2", two)],
  });
  const path = `${site.dir}/db.raw`;
  await Deno.copyFile(`${GUEST}/boot.raw`, path);
  // Both nodes are one machine, on which the copy would keep its lock for writing.
  const disk = { path, format: "raw", shared: true, readonly: true };
  const spec = { memoryMiB: 32, onNodeLoss: "restart", disks: [disk] };
  await site.run({ verb: "start", names: ["db"], spec, on: "n1" });
  const { uid, status: { incarnation } } = await site.vm("db");
  const uuid = uuidOfUid(uid);
  await until("its guard has it in hand", async () => {
    const { status } = await site.vm("db");
    return status.guard?.incarnation === incarnation;
  }, PATIENCE);
  const [pid = 0] = one.pidsOf(uuid);

  one.freeze("SIGSTOP");
  await site.node("n1").kill();
  await until("n2 runs it", () => two.pidsOf(uuid).length > 0, {
    ...PATIENCE,
    everyMs: 5,
  });
  strictEqual(isFrozen(readProcess(pid)), true, "two copies run");
  await untilState(site, "db", "running");

  // Back again, the older copy goes.
  one.freeze("SIGCONT");
  await site.startNode("n1");
  await until(
    "one copy is left",
    () => one.pidsOf(uuid).length === 0,
    PATIENCE,
  );
  const { node, status } = await site.vm("db");
  deepStrictEqual([node, status.state], ["n2", "running"]);
  await site.run({ verb: "poweroff", names: ["db"] });
  await site.run({ verb: "unregister", names: ["db"] });
}
