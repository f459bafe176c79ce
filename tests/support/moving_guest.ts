/**
 * A real guest on one of two nodes, moved while parts of the site are killed.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { planSteps } from "../../src/core/step.ts";
import type { Operation } from "../../src/schema/operation.ts";
import { qemuNode } from "./node_plan.ts";
import { ProcessSite } from "./process_site.ts";
import { GUEST } from "./qemu_node.ts";
import { until } from "./wait.ts";

const PATIENCE = { deadlineMs: 240_000, everyMs: 50 };
const STEPS: readonly string[] = planSteps("migrate");

/** So slow that there is time to do something while it is sent. */
const BANDWIDTH = 64 * 1024;

/** Starts a site of the executable `usher`, and a guest called `web` on n1. */
export async function startSite(usher: string): Promise<ProcessSite> {
  const site = await ProcessSite.start({
    usher,
    nodes: [qemuNode("n1"), qemuNode("n2")],
    ctrl: { node_lease: "5s" },
  });
  await site.run({
    verb: "start",
    names: ["web"],
    on: "n1",
    spec: {
      driver: "qemu",
      memoryMiB: 32,
      disks: [{ base: `${GUEST}/boot.raw`, format: "raw" }],
    },
  });
  return site;
}

/** Waits until a migration is at `step`, or past it. */
async function untilAt(
  site: ProcessSite,
  id: string,
  step: string,
): Promise<void> {
  await until(`the migration is at ${step}`, async () => {
    const its = await site.call<Operation>("GET", `/v1/operations/${id}`);
    return its.endedAt !== null ||
      STEPS.indexOf(its.step ?? "") >= STEPS.indexOf(step);
  }, { ...PATIENCE, everyMs: 5 });
}

/** What the driver of a node keeps of any domain. */
function kept(site: ProcessSite, node: string): string[] {
  return ["handles", "overlays"].flatMap((folder) =>
    [...Deno.readDirSync(`${site.dir}/${node}/qemu/${folder}`)]
      .map(({ name }) => `${folder}/${name}`)
  );
}

/** Waits until the guest runs where the VM is, once, and nowhere else is a trace of it. */
export async function untilOne(site: ProcessSite): Promise<string> {
  return await until("one guest runs, where it should", async () => {
    const { node, status } = await site.vm("web");
    const other = node === "n1" ? "n2" : "n1";
    const seen = JSON.stringify({
      node,
      state: status.state,
      guests: site.nodeNames.map((name) => site.guests(name).length),
      kept: kept(site, other),
    });
    const isOne = status.state === "running" &&
      site.guests(node ?? "").length === 1 &&
      site.guests(other).length === 0 && kept(site, other).length === 0;
    if (!isOne) throw new Error(seen);
    return node ?? "";
  }, PATIENCE);
}

/** Who is killed, and at which step. */
export type Kill = readonly [
  victim: "ctrl" | "source" | "target",
  step: string,
];

/**
 * Moves the guest once for each of `kills`. Throws unless each migration ends,
 * and one guest runs then, of the same run as before, and nothing else is left.
 */
export async function moveAndKill(
  site: ProcessSite,
  kills: readonly Kill[],
): Promise<void> {
  let { node: at, status: { incarnation } } = await site.vm("web");
  for (const [victim, step] of kills) {
    const what = `${victim} killed at ${step}`;
    const other = at === "n1" ? "n2" : "n1";
    const { request, outcomes } = await site.submit({
      verb: "migrate",
      names: ["web"],
      bandwidth: BANDWIDTH,
    });
    await untilAt(site, outcomes[0]?.operation ?? "", step);
    if (victim === "ctrl") await site.restartCtrl();
    else await site.restartNode(victim === "source" ? at ?? "" : other);
    const [ended] = (await site.ends(request)).outcomes;
    deepStrictEqual([ended?.state, ended?.problem], ["succeeded", null], what);
    at = await untilOne(site);
    strictEqual(at, other, what);
    const { status } = await site.vm("web");
    strictEqual(status.incarnation, incarnation, what);
    for (const name of site.nodeNames) await site.untilReady(name);
  }
}
