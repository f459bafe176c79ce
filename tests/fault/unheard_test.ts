/**
 * What a controller that was killed and started again does not know yet: which
 * nodes are there, and what has become of their VMs meanwhile.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { domainOf } from "../../src/driver/sim/domain.ts";
import { newId } from "../../src/sys/id.ts";
import { CrashingSite } from "../support/crashing_site.ts";
import { until } from "../support/wait.ts";

const web = { names: ["web"] } as const;

/** A site with a VM that runs; controller and node are killed, and the controller is there again. */
async function alone(): Promise<CrashingSite> {
  const site = await CrashingSite.start();
  await site.run({ id: "the-first", verb: "start", names: ["web"] });
  site.kill();
  await site.killNode("n1");
  return site;
}

Deno.test("a start asked of a new controller runs a VM that went off meanwhile", async () => {
  await using site = await alone();
  const { uid } = site.vm("web")!;
  site.hypervisor("n1").shutDownFromInside(domainOf(uid));
  await site.revive();
  strictEqual(site.vm("web")?.status.state, "running", "as it was last heard");

  await site.submit({ id: "the-second", verb: "start", names: ["web"] });
  site.startNode("n1");

  const { id, state } = await site.ended("the-second");
  strictEqual(state, "succeeded");
  const { status } = site.vm("web")!;
  deepStrictEqual([status.state, status.incarnation], ["running", id]);
});

Deno.test("a start asked of a new controller changes nothing of a VM that still runs", async () => {
  await using site = await alone();
  const before = site.hypervisor("n1").all();
  await site.revive();

  await site.submit({ id: "the-second", verb: "start", names: ["web"] });
  site.startNode("n1");

  strictEqual((await site.ended("the-second")).state, "succeeded");
  deepStrictEqual(site.hypervisor("n1").all(), before);
});

Deno.test("a new VM asked of a new controller waits for its nodes, and is placed", async () => {
  await using site = await alone();
  await site.revive();

  const asked = site.submit({ id: "the-second", verb: "start", names: ["db"] });
  site.startNode("n1");
  await asked;

  strictEqual((await site.ended("the-second")).state, "succeeded");
  strictEqual(site.vm("db")?.node, "n1");
});

Deno.test("a new VM that no node will ever take is refused once every node is back", async () => {
  await using site = await alone();
  await site.revive();

  const asked = site.submit({
    id: "the-second",
    verb: "start",
    names: ["db"],
    spec: { memoryMiB: 64 * 1024 * 1024 },
  });
  site.startNode("n1");
  await asked;

  const { state, problem } = await site.ended("the-second");
  strictEqual(state, "failed");
  match(problem?.hint ?? "", /n1/);
});

Deno.test("operations that wait keep their order, also when the clock went back between them", async () => {
  await using site = await CrashingSite.start();
  await site.run({ id: "the-first", verb: "start", ...web, names: ["web"] });
  await site.killNode("n1");
  // As if an hour had gone back with each of them.
  let hour = 0;
  site.newId = () => {
    const id = newId();
    return `0${(9 - ++hour) % 10}${id.slice(2)}`;
  };
  for (const verb of ["pause", "resume", "shutdown"] as const) {
    await site.submit({ id: `order-${verb}`, verb, names: ["web"] });
  }
  await site.revive();

  site.startNode("n1");

  const ends = [];
  for (const verb of ["pause", "resume", "shutdown"] as const) {
    const { state, endedAt } = await site.ended(`order-${verb}`);
    ends.push([verb, state, endedAt]);
  }
  deepStrictEqual(ends.map(([verb, state]) => [verb, state]), [
    ["pause", "succeeded"],
    ["resume", "succeeded"],
    ["shutdown", "succeeded"],
  ]);
  await until("it is off", () => site.vm("web")?.status.state === "stopped");
});
