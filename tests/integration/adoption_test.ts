/**
 * Domains that somebody else made and that the node's configuration hands to
 * usher: known as VMs, obeyed by every verb, and given back.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

/** A site of one node that has two domains of others, and adopts those of `patterns`. */
function siteThatAdopts(patterns: () => string[]): Promise<TestSite> {
  const foreign = [
    { name: "web", state: "running", memoryMiB: 64, vcpus: 2 },
    { name: "other", state: "running" },
  ];
  return TestSite.start({
    // Adopted domains are nobody's, and count for nobody's quota.
    ctrl: { quotas: { user: { vms: 0 } } },
    lnm: () => ({ drivers: { sim: { foreign, adopt: patterns() } } }),
  });
}

async function vms(site: TestSite) {
  const { body } = await site.call<
    { vms: { name: string; found: boolean; status: { state: string } }[] }
  >("GET", "/v1/vms");
  return body.vms.map(({ name, found, status }) =>
    `${name} ${status.state}${found ? " found" : ""}`
  ).toSorted();
}

Deno.test("adopted: a domain that the configuration names obeys every verb, and the others none", async () => {
  await using site = await siteThatAdopts(() => ["web"]);
  deepStrictEqual(await vms(site), [
    "other.n1.found running found",
    "web.n1.found running",
  ]);
  const name = "web.n1.found";
  await until("it is known what it is", async () => {
    return (await site.vm(name)).partial !== true;
  });
  const { spec } = await site.vm(name);
  deepStrictEqual([spec.memoryMiB, spec.vcpus, spec.power], [64, 2, "on"]);

  const verbs = ["pause", "resume", "reboot", "shutdown", "start", "cycle"];
  for (const verb of verbs) {
    const { outcomes: [outcome] } = await site.run(verb, name);
    deepStrictEqual([verb, outcome?.state, outcome?.problem], [
      verb,
      "succeeded",
      null,
    ]);
  }
  strictEqual((await site.vm(name)).status.state, "running");
  const problem = await site.refusal("pause", ["other.n1.found"]);
  strictEqual(problem.code, "unsupported");
});

Deno.test("adopted: nobody but an administrator may touch it", async () => {
  await using site = await siteThatAdopts(() => ["web"]);
  await site.call("POST", "/v1/users", {
    ...{ name: "ann", role: "user", password: "correct horse battery" },
  });
  const { body } = await site.call<{ token: string }>("POST", "/v1/login", {
    user: "ann",
    password: "correct horse battery",
  }, null);
  const answer = await site.call<{ code: string }>("POST", "/v1/requests", {
    verb: "poweroff",
    names: ["web.n1.found"],
  }, body.token);
  deepStrictEqual([answer.status, answer.body.code], [404, "not_found"]);
  strictEqual((await site.vm("web.n1.found")).status.state, "running");
});

Deno.test("adopted: a found domain becomes the VM of its name when the configuration comes to name it", async () => {
  let patterns: string[] = [];
  await using site = await siteThatAdopts(() => patterns);
  deepStrictEqual((await vms(site))[1], "web.n1.found running found");
  patterns = ["w*"];
  await site.site.stopNode("n1");
  await site.site.startNode("n1");
  deepStrictEqual(await vms(site), [
    "other.n1.found running found",
    "web.n1.found running",
  ]);
  const { uid } = await site.vm("web.n1.found");

  // It stays what it is, also when the configuration forgets of it.
  patterns = [];
  await site.site.stopNode("n1");
  await site.site.startNode("n1");
  strictEqual((await site.vm("web.n1.found")).uid, uid);
});

Deno.test("adopted: unregistering gives it back, and removes nothing", async () => {
  let patterns = ["web"];
  await using site = await siteThatAdopts(() => patterns);
  patterns = [];
  await site.site.stopNode("n1");
  await site.site.startNode("n1");
  await site.run("shutdown", "web.n1.found");
  const { outcomes: [outcome] } = await site.run("unregister", "web.n1.found");
  deepStrictEqual([outcome?.state, outcome?.problem], ["succeeded", null]);
  await until("it is somebody else's again", async () => {
    // Under another name when it was told of before the VM was gone.
    return (await vms(site)).some((vm) =>
      /^web(-2)?\.n1\.found stopped found$/.test(vm)
    );
  });
});
