/**
 * Domains that were found on a node and that usher did not make: shown, left
 * alone, and in nobody's way.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { TestSite } from "../support/site.ts";

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
