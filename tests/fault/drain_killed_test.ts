/**
 * Controller and LNMs killed while a node is drained: every VM leaves, once,
 * and runs on.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { checkState } from "../../src/ctrl/state/check.ts";
import { openSource } from "../../src/ctrl/state/source.ts";
import type { VmView } from "../../src/schema/change.ts";
import { CtrlConfig } from "../../src/schema/config.ts";
import type { NodeOperation } from "../../src/schema/node_operation.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { newId } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import { KillableSite } from "../support/killable_site.ts";
import { until } from "../support/wait.ts";

const VMS = 10;

Deno.test("controller and LNMs killed during a drain: it goes on, and the command that waits comes back", async () => {
  await using site = await KillableSite.start(["n1", "n2", "n3"]);
  const slow = ["--sim", "sendMs=200", "--memory", "16MiB"];
  await site.run("vm", "start", "-n", `${VMS}`, "web", "--on", "n1", ...slow);
  const before = await incarnations(site);
  const drain = site.command(["node", "drain", "n1", "--parallel", "3"]);
  const moved = async (least: number) =>
    await until(`${least} have moved`, async () => {
      const { operations } = await site.ctrl.call<
        { operations: NodeOperation[] }
      >("GET", "/v1/node-operations");
      return (operations[0]?.moved ?? 0) >= least;
    }, { deadlineMs: 120_000 });
  await moved(2);
  await site.crash();
  await moved(4);
  await site.crashNode("n1");
  await site.crashNode("n2");
  await moved(7);
  await site.crash();
  strictEqual(await drain.ended, 0, drain.io.err);
  match(drain.io.err, /n1 is empty: 10 VM\(s\) moved\n$/);
  // The same runs as before, each on one node, none on the one that is drained.
  deepStrictEqual(await incarnations(site), before);
  const vms = await vmsOf(site);
  ok(
    vms.every(({ node, status }) =>
      node !== "n1" && status.state === "running"
    ),
  );
  await using source = await openSource({
    config: CtrlConfig.parse({ state_dir: site.stateDir }),
    context: { clock: systemClock, newId, log: silentLog },
    version: "1",
    signal: new AbortController().signal,
  });
  deepStrictEqual((await checkState(source.mutations())).findings, []);
});

async function vmsOf(site: KillableSite): Promise<VmView[]> {
  return (await site.ctrl.call<{ vms: VmView[] }>("GET", "/v1/vms")).vms;
}

async function incarnations(site: KillableSite) {
  return (await vmsOf(site)).map(({ name, status }) => [
    name,
    status.incarnation,
  ]).sort();
}
