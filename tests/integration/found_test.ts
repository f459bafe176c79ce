/**
 * Domains that were found on a node and that usher did not make: shown, left
 * alone, and in nobody's way.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { CrashingSite } from "../support/crashing_site.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

const FOREIGN = { name: "old", state: "running", memoryMiB: 64, vcpus: 1 };

function siteWithForeign(): Promise<TestSite> {
  return TestSite.start({ lnm: { drivers: { sim: { foreign: [FOREIGN] } } } });
}

async function states(site: TestSite): Promise<string[]> {
  const { body } = await site.call<
    { vms: { name: string; status: { state: string } }[] }
  >("GET", "/v1/vms");
  return body.vms.map(({ name, status }) => `${name} ${status.state}`)
    .toSorted();
}

Deno.test("found: a domain that usher did not make is listed under a reserved owner", async () => {
  await using site = await siteWithForeign();
  deepStrictEqual(await states(site), ["old.n1.found running"]);
});

Deno.test("found: a pattern passes over it, and acts on all that is usher's", async () => {
  await using site = await siteWithForeign();
  await site.run("start", "web", { count: 2 });

  const { outcomes } = await site.run("destroy", "*");

  deepStrictEqual(outcomes.map(({ vm, state }) => `${vm} ${state}`), [
    "web-1.default.admin succeeded",
    "web-2.default.admin succeeded",
  ]);
  deepStrictEqual(await states(site), ["old.n1.found running"]);
  const problem = await site.refusal("destroy", ["*"]);
  strictEqual(problem.code, "not_found");
});

Deno.test("found: every verb that names it is refused, with where to turn", async () => {
  await using site = await siteWithForeign();
  const verbs = ["start", "shutdown", "poweroff", "cycle", "reboot", "pause"];
  for (const verb of [...verbs, "resume", "destroy", "unregister"]) {
    const problem = await site.refusal(verb, ["old.n1.found"]);
    strictEqual(problem.code, "unsupported", verb);
    match(problem.hint ?? "", /tools of its hypervisor on node n1/);
  }
  deepStrictEqual(await states(site), ["old.n1.found running"]);
});

Deno.test("found: two whose names come to the same label are two, each as it is", async () => {
  await using site = await TestSite.start({
    lnm: {
      drivers: {
        sim: {
          foreign: [
            { name: "Old_1", state: "running" },
            { name: "old-1", state: "paused" },
            { name: "OLD 1", state: "stopped" },
          ],
        },
      },
    },
  });
  deepStrictEqual(await states(site), [
    "old-1-2.n1.found paused",
    "old-1-3.n1.found stopped",
    "old-1.n1.found running",
  ]);
  // The same ones, whatever order they are told in the next time.
  await site.site.stopNode("n1");
  await site.site.startNode("n1");
  deepStrictEqual(await states(site), [
    "old-1-2.n1.found paused",
    "old-1-3.n1.found stopped",
    "old-1.n1.found running",
  ]);
});

Deno.test("found: one that is gone is listed no more, also when it was off", async () => {
  await using site = await CrashingSite.start();
  const hypervisor = site.hypervisor("n1");
  const off = hypervisor.plant({ name: "off", state: "stopped" });
  const on = hypervisor.plant({ name: "on", state: "running" });
  const names = () =>
    [...site.engine.records.vms.values()].map(({ name }) => name).toSorted();
  const shortLived = hypervisor.plant({ name: "short", state: "running" });
  await until("all are found", () => names().length === 3);
  hypervisor.remove(shortLived);
  await until("it is listed no more", () => names().length === 2);
  await site.killNode("n1");
  hypervisor.remove(off);
  hypervisor.remove(on);
  site.startNode("n1");
  await until("neither is listed", () => names().length === 0);
});
