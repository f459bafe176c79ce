/**
 * Real guests on the move while controller and nodes are killed, at whatever
 * the move is doing: one guest is left that never stopped being the same run,
 * and nothing of it on the other node.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { qemuNode } from "../support/node_plan.ts";
import { ProcessSite } from "../support/process_site.ts";
import { GUEST, whyNoQemu } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";

const PATIENCE = { deadlineMs: 240_000 };
/** Slow enough that every step can be hit. */
const BANDWIDTH = 600_000;

/** When to kill whom: at a step of the operation, and so much later. */
const BLOWS: readonly (readonly [step: string, lateMs: number, string[]])[] = [
  ["send", 0, ["n1"]],
  ["send", 300, ["n2"]],
  ["send", 700, ["n1", "n2"]],
  ["send", 100, ["ctrl"]],
  ["receive", 0, ["n2", "ctrl"]],
  ["send", 500, ["ctrl", "n1", "n2"]],
  ["offer", 50, ["n1", "n2"]],
];

async function kill(site: ProcessSite, victims: string[]): Promise<void> {
  for (const victim of victims) {
    await (victim === "ctrl" ? site.ctrl : site.node(victim)).kill();
  }
  for (const victim of victims) {
    if (victim === "ctrl") await site.startCtrl();
    else await site.startNode(victim);
  }
}

/** Waits until the operation has come to `step`, or past it. */
async function untilStep(site: ProcessSite, step: string): Promise<void> {
  await until(`the move is at ${step}`, async () => {
    const [operation] = await site.open();
    return operation === undefined || operation.begun.includes(step);
  }, { ...PATIENCE, everyMs: 5 });
}

function filesOf(site: ProcessSite, node: string, uid: string): string[] {
  return ["handles", "overlays"].flatMap((folder) =>
    [...Deno.readDirSync(`${site.dir}/${node}/qemu/${folder}`)]
      .filter(({ name }) => name.startsWith(uid)).map(({ name }) => name)
  );
}

Deno.test({
  name:
    "a real guest that moves outlives every kill of its controller and nodes, once",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    await using site = await ProcessSite.start({
      nodes: [qemuNode("n1"), qemuNode("n2")],
    });
    const disk = { base: `${GUEST}/boot.raw`, format: "raw" };
    await site.run({
      verb: "start",
      names: ["web"],
      spec: { memoryMiB: 32, disks: [disk] },
      on: "n1",
    });
    const { uid, status: { incarnation } } = await site.vm("web");
    for (const [step, lateMs, victims] of BLOWS) {
      const { node: from } = await site.vm("web");
      const to = from === "n1" ? "n2" : "n1";
      await site.submit({
        verb: "migrate",
        names: ["web"],
        to,
        bandwidth: BANDWIDTH,
      });
      await untilStep(site, step);
      await new Promise((resolve) => setTimeout(resolve, lateMs));
      await kill(site, victims);
      for (const node of ["n1", "n2"]) await site.untilReady(node);
      await site.untilQuiet();

      const what = `${victims} killed ${lateMs} ms after ${step}`;
      const vm = await until(`it runs again, ${what}`, async () => {
        const now = await site.vm("web");
        return now.status.state === "running" ? now : null;
      }, PATIENCE);
      strictEqual(vm.status.incarnation, incarnation, what);
      const other = vm.node === "n1" ? "n2" : "n1";
      await until(
        `nothing is left on ${other}, ${what}`,
        () =>
          site.guests(other).length === 0 &&
          filesOf(site, other, uid).length === 0,
        PATIENCE,
      );
      const guests = site.guests(vm.node ?? "");
      deepStrictEqual(
        guests.map(({ marker }) => marker.incarnation),
        [incarnation],
        what,
      );
    }
    // It still hears its power button.
    await site.run({ verb: "shutdown", names: ["web"] });
  },
});
