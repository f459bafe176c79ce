/**
 * Quotas: held in the step that places, whoever asks and however many at once.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Result } from "../../src/schema/operation.ts";
import type { Plan } from "../../src/schema/plan.ts";
import type { Problem } from "../../src/schema/problem.ts";
import type { QuotaView } from "../../src/schema/quota.ts";
import { TestSite } from "../support/site.ts";

const LIMITS = { quotas: { user: { vms: 4, vcpus: 3 } } };

async function quotaOf(site: TestSite, subject: string): Promise<QuotaView> {
  const answer = await site.call<QuotaView>("GET", `/v1/quotas/${subject}`);
  strictEqual(answer.status, 200);
  return answer.body;
}

async function set(site: TestSite, subject: string, limits: unknown) {
  const path = `/v1/quotas/${subject}`;
  const answer = await site.call<QuotaView & Problem>("POST", path, limits);
  strictEqual(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

function states({ outcomes }: Result): string[] {
  return outcomes.map(({ state, problem }) => problem?.code ?? state);
}

Deno.test("a quota stops what is too much of a request, and no more of it", async () => {
  await using site = await TestSite.start({ ctrl: LIMITS });
  const result = await site.run("start", "web", { count: 5 });
  deepStrictEqual(states(result), [
    "succeeded",
    "succeeded",
    "succeeded",
    "quota_exceeded",
    "quota_exceeded",
  ]);
  match(
    result.outcomes[3]?.problem?.detail ?? "",
    /quota of user "admin" is 3 vcpus, 3 of it is used, and 1 more is asked for/,
  );
  // What was refused is not there.
  strictEqual((await quotaOf(site, "admin")).used["vms"], 3);
  // One that is off takes no processor.
  deepStrictEqual(states(await site.run("register", "off")), ["succeeded"]);
  deepStrictEqual(states(await site.run("register", "more")), [
    "quota_exceeded",
  ]);
  deepStrictEqual(states(await site.run("start", "off")), ["quota_exceeded"]);
  await site.run("poweroff", "web-1");
  deepStrictEqual(states(await site.run("start", "off")), ["succeeded"]);
});

Deno.test("a plan says what a quota refuses, and takes nothing of it", async () => {
  await using site = await TestSite.start({ ctrl: LIMITS });
  const asked = { verb: "start", names: ["web"], count: 4 };
  const { body } = await site.call<Plan>("POST", "/v1/plans", asked);
  deepStrictEqual(body.vms.map(({ problem }) => problem?.code ?? null), [
    null,
    null,
    null,
    "quota_exceeded",
  ]);
  strictEqual((await quotaOf(site, "admin")).used["vms"], 0);
});

Deno.test("requests at once never have more than the quota", async () => {
  await using site = await TestSite.start({ nodes: 2, ctrl: LIMITS });
  const results = await Promise.all(
    Array.from(
      { length: 8 },
      (_, i) => site.run("start", [`a${i}.x`, `b${i}.y`]),
    ),
  );
  const got = results.flatMap(states);
  strictEqual(got.filter((state) => state === "succeeded").length, 3);
  strictEqual(got.filter((state) => state === "quota_exceeded").length, 13);
  strictEqual((await quotaOf(site, "admin")).used["vcpus"], 3);
});

Deno.test("a quota that is set outlives its cluster, holds for that alone, and stops no move", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  await site.run("start", ["a.lab", "b.lab"]);
  const now = await set(site, "lab.admin", { vcpus: 1, memory: 100_000 });
  deepStrictEqual(now.set, ["vcpus", "memory"]);
  strictEqual(now.used["vcpus"], 2);
  deepStrictEqual(states(await site.run("start", "c.lab")), ["quota_exceeded"]);
  deepStrictEqual(states(await site.run("start", "c")), ["succeeded"]);
  // It has what it has, also where it goes.
  deepStrictEqual(states(await site.run("migrate", "a.lab")), ["succeeded"]);
  deepStrictEqual(states(await site.run("cycle", "a.lab")), ["succeeded"]);
  await site.run("destroy", ["a.lab", "b.lab"]);
  strictEqual((await site.call("DELETE", "/v1/clusters/lab")).status, 200);
  deepStrictEqual(
    states(await site.run("start", "d.lab", { spec: { vcpus: 2 } })),
    [
      "quota_exceeded",
    ],
  );
  await set(site, "lab.admin", { vcpus: null, memory: "default" });
  deepStrictEqual(
    states(await site.run("start", "d.lab", { spec: { vcpus: 2 } })),
    [
      "succeeded",
    ],
  );
});

Deno.test("an overlay without a size is refused where disk has a quota", async () => {
  await using site = await TestSite.start();
  await set(site, "admin", { disk: 1000 });
  const disk = { base: "/srv/base.qcow2" };
  const start = (name: string, more = {}) =>
    site.run("register", name, { spec: { disks: [{ ...disk, ...more }] } });
  const [refused] = (await start("a")).outcomes;
  strictEqual(refused?.problem?.code, "quota_exceeded");
  ok(refused?.problem?.hint?.includes("size="));
  deepStrictEqual(states(await start("b", { sizeMiB: 600 })), ["succeeded"]);
  deepStrictEqual(states(await start("c", { sizeMiB: 600 })), [
    "quota_exceeded",
  ]);
  strictEqual((await quotaOf(site, "admin")).used["disk"], 600);
});

Deno.test("a limit that is lowered holds for what waits its turn, and for nothing that was begun", async () => {
  await using site = await TestSite.start();
  await set(site, "admin", { vcpus: 2 });
  const begun = await site.submit("start", "begun", {
    spec: { sim: { bootMs: 1000 } },
  });
  await site.run("start", "web", { spec: { sim: { shutdownMs: 2000 } } });
  const shutdown = await site.submit("shutdown", "web");
  const start = await site.submit("start", "web");
  await set(site, "admin", { vcpus: 1 });
  const end = async ({ outcomes }: Result) =>
    await site.untilOperation(
      outcomes[0]?.operation ?? "",
      "succeeded",
      "failed",
    );
  strictEqual((await end(begun)).state, "succeeded");
  strictEqual((await end(shutdown)).state, "succeeded");
  const { state, problem } = await end(start);
  deepStrictEqual([state, problem?.code], ["failed", "quota_exceeded"]);
  strictEqual((await quotaOf(site, "admin")).used["vcpus"], 1);
  strictEqual((await site.vm("web")).status.state, "stopped");
});

Deno.test("the owner of a shared cluster pays for what others start in it, and they for nothing", async () => {
  await using site = await TestSite.start();
  const { accounts } = site.site.controller.site;
  for (const name of ["ann", "cid"]) {
    await accounts.create(name, "user", "the old password");
  }
  const { token } = await accounts.openSession("cid", 600_000);
  await site.run("register", "own.lab.ann");
  const share = { with: { kind: "user", name: "cid" }, level: "control" };
  await site.call("POST", "/v1/clusters/lab.ann/share", share);
  await set(site, "ann", { vms: 2 });
  await set(site, "cid", { vms: 0 });
  const start = async (...names: string[]) =>
    (await site.call<{ result: Result }>("POST", "/v1/requests?follow=1", {
      verb: "start",
      names,
    }, token)).body.result;
  const result = await start("a.lab.ann", "b.lab.ann", "mine");
  deepStrictEqual(states(result), [
    "succeeded",
    "quota_exceeded",
    "quota_exceeded",
  ]);
  match(result.outcomes[1]?.problem?.detail ?? "", /quota of user "ann" is 2/);
  match(result.outcomes[2]?.problem?.detail ?? "", /quota of user "cid" is 0/);
  deepStrictEqual(
    [
      (await quotaOf(site, "ann")).used["vms"],
      (await quotaOf(site, "cid")).used["vms"],
    ],
    [2, 0],
  );
  // What everybody may read: one's own, and that of the cluster that is shared.
  const read = async (subject: string) =>
    (await site.call("GET", `/v1/quotas/${subject}`, undefined, token)).status;
  deepStrictEqual(
    [await read("cid"), await read("lab.ann"), await read("ann")],
    [200, 200, 404],
  );
});

Deno.test("a cluster that is deleted while a VM is made in it is there with its VM, whichever came first", async () => {
  await using site = await TestSite.start();
  const remove = () => site.call<Problem>("DELETE", "/v1/clusters/lab.admin");
  for (let round = 0; round < 12; round++) {
    await site.call("POST", "/v1/clusters", { name: "lab.admin" });
    const start = () => site.run("start", "web.lab");
    const [first, second] = round % 2 === 0 ? [start, remove] : [remove, start];
    const [one, other] = await Promise.all([first(), second()]);
    const { status } = ("status" in one ? one : other) as { status: number };
    // Deleted first, and made anew with the VM; or refused, since it had that.
    ok(status === 200 || status === 409, `${status}`);
    const { body } = await site.call<{ vms: number }>(
      "GET",
      "/v1/clusters/lab.admin",
    );
    strictEqual(body.vms, 1, `after ${status}`);
    strictEqual((await remove()).status, 409);
    await site.run("destroy", "web.lab");
    strictEqual((await remove()).status, 200);
  }
});
