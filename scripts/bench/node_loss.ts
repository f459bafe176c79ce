/**
 * From the loss of a node to its VM running on another, with the defaults, with
 * real guests where there is QEMU: by time, beside the wait that the lease and
 * the margin ask for, and by an administrator's word, beside a start of the
 * same VM.
 *
 * The node is lost without a word, as by a power cut: its LNM is stopped
 * (SIGSTOP), so that nothing closes its connection.
 *
 * @module
 */
import {
  type NodePlan,
  qemuNode,
  simNode,
} from "../../tests/support/node_plan.ts";
import { ProcessSite } from "../../tests/support/process_site.ts";
import { GUEST, whyNoQemu } from "../../tests/support/qemu_node.ts";
import { until } from "../../tests/support/wait.ts";
import { beside, type Row, time } from "./row.ts";

/** What the defaults ask for, in seconds: node_lease and takeover_margin. */
const LEASE_S = 15;
const MARGIN_S = 10;

const PATIENCE = { deadlineMs: 120_000, everyMs: 20 };

/** The figures, in one run. */
export async function benchNodeLoss(): Promise<Row[]> {
  const isReal = whyNoQemu() === undefined;
  const plan: (name: string) => NodePlan = isReal ? qemuNode : simNode;
  await using site = await ProcessSite.start({
    ctrl: { defaults: { driver: isReal ? "qemu" : "sim" } },
    nodes: [plan("n1"), plan("n2")],
  });
  const what = isReal ? "QEMU" : "sim";
  const start = await time(() => startOn(site, "n1", "web", isReal));
  await until("its guard has it in hand", async () => {
    const { status } = await site.vm("web");
    return status.guard?.incarnation === status.incarnation;
  }, PATIENCE);
  const byTime = await time(async () => {
    site.node("n1").signal("SIGSTOP");
    await runsOn(site, "web", "n2");
  });
  site.node("n1").signal("SIGCONT");
  await site.untilReady("n1");
  await until(
    "the older copy is gone",
    () => site.guests("n1").length === 0,
    PATIENCE,
  );
  // Another VM: one that was just taken over has to wait before the next time.
  await startOn(site, "n2", "db", isReal);
  await site.node("n2").kill();
  for (const { id } of site.guests("n2")) Deno.kill(id.pid, "SIGKILL");
  await until("n2 is silent", async () => {
    const { state } = await site.call<{ state: string }>("GET", "/v1/nodes/n2");
    return state !== "ready";
  }, PATIENCE);
  const byWord = await time(async () => {
    await site.call("POST", "/v1/nodes/n2/declare-dead");
    await runsOn(site, "db", "n1");
  });
  return [
    beside(
      {
        name: `node lost to ${what} VM running elsewhere, defaults`,
        value: byTime / 1000,
        unit: "s",
        note: "under 45 s",
      },
      "lease + margin",
      LEASE_S + MARGIN_S,
    ),
    beside(
      {
        name: `declare-dead to ${what} VM running elsewhere`,
        value: byWord,
        unit: "ms",
        note: "the watch looks every second",
      },
      "a start",
      start,
    ),
  ];
}

async function startOn(
  site: ProcessSite,
  node: string,
  name: string,
  isReal: boolean,
): Promise<void> {
  const path = `${site.dir}/${name}.raw`;
  if (isReal) await Deno.copyFile(`${GUEST}/boot.raw`, path);
  const disks = isReal ? [{ path, format: "raw", shared: true }] : [];
  await site.run({
    verb: "start",
    names: [name],
    on: node,
    spec: { memoryMiB: 32, onNodeLoss: "restart", disks },
  });
}

async function runsOn(
  site: ProcessSite,
  name: string,
  node: string,
): Promise<void> {
  await until(`${name} runs on ${node}`, async () => {
    const vm = await site.vm(name);
    return vm.node === node && vm.status.state === "running";
  }, PATIENCE);
}
