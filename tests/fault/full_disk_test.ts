/**
 * A controller whose disk is full or read-only: reading goes on, writing is
 * refused, and once there is room everything is as it should be.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Problem } from "../../src/schema/problem.ts";
import { CtrlProcess } from "../support/ctrl_process.ts";
import { Role } from "../support/role.ts";
import { TestSite } from "../support/site.ts";
import { fillUp, mount, testOnDisk } from "../support/small_disk.ts";
import { until } from "../support/wait.ts";

/** Fills the disk, also what the database has in reserve, until requests are refused. */
async function untilRefused(site: TestSite, folder: string): Promise<Problem> {
  return await until("requests are refused", async () => {
    await fillUp(`${folder}/ballast`);
    const { status, body } = await site.call<Problem>("POST", "/v1/requests", {
      verb: "register",
      names: [`x${crypto.randomUUID().slice(0, 8)}`],
      args: { text: "y".repeat(4000) },
    });
    return status === 200 ? null : body;
  }, { deadlineMs: 60_000, everyMs: 5 });
}

testOnDisk(
  "disk full: reads go on, requests are refused as unavailable, and all is well once there is room",
  "24m",
  async (folder) => {
    await using site = await TestSite.start({
      nodes: 2,
      ctrl: { state_dir: `${folder}/ctrl`, node_lease: "4s" },
    });
    await site.run("start", "web", { count: 3 });
    await site.run("start", "crashes", {
      on: "n1",
      spec: { sim: { crashAfterMs: 3000 } },
    });
    const slow = (await site.submit("start", "slow", {
      on: "n1",
      spec: { sim: { bootMs: 2500 } },
    })).outcomes[0]?.operation ?? "";
    const before = (await site.call<{ vms: unknown[] }>("GET", "/v1/vms"))
      .body.vms.length;
    const problem = await untilRefused(site, folder);
    deepStrictEqual([problem.code, problem.status], ["unavailable", 503]);
    match(problem.detail, /full|space/i);

    const { body } = await site.call<{ vms: { name: string }[] }>(
      "GET",
      "/v1/vms",
    );
    ok(body.vms.length >= before);
    strictEqual((await site.vm("web-1")).status.state, "running");
    strictEqual((await site.call("GET", "/v1/nodes")).status, 200);
    strictEqual((await site.call("GET", "/v1/whoami")).status, 200);
    for (const verb of ["poweroff", "pause", "destroy"]) {
      strictEqual((await site.refusal(verb, ["web-1"])).code, "unavailable");
    }
    // What happens meanwhile cannot be noted: a crash, a node lost, a start done.
    await site.site.stopNode("n2");
    const since = performance.now();
    await until(
      "all that has happened",
      () => performance.now() - since > 6000,
      { deadlineMs: 60_000 },
    );

    await Deno.remove(`${folder}/ballast`);
    strictEqual(
      (await site.untilOperation(slow, "succeeded", "failed")).state,
      "succeeded",
    );
    await site.untilState("crashes", "crashed");
    await until("the loss of n2 is noted", async () => {
      const { body } = await site.call<{ state: string }>(
        "GET",
        "/v1/nodes/n2",
      );
      return body.state === "lost";
    }, { deadlineMs: 60_000 });
    const left = (await site.call<
      { vms: { name: string; node: string; holder: string | null }[] }
    >("GET", "/v1/vms")).body.vms;
    deepStrictEqual(left.filter(({ holder }) => holder !== null), []);
    const [own] = left.filter(({ node, name }) =>
      node === "n1" && name.startsWith("web-")
    );
    strictEqual(
      (await site.run("poweroff", own?.name ?? "")).outcomes[0]?.state,
      "succeeded",
    );
  },
);

testOnDisk(
  "read-only state directory: the controller does not start, and says so",
  "24m",
  async (folder) => {
    {
      await using ctrl = await CtrlProcess.start(folder);
      ctrl.role.signal("SIGTERM");
      strictEqual(await ctrl.role.ended(), 0);
    }
    ok(await mount("-o", "remount,ro", folder));
    await using role = new Role(["ctrl", "--state", folder]);
    strictEqual(await role.ended(), 6);
    match(role.err, /Cannot open state/);
    match(role.err, /[Rr]ead-?only/);
    ok(!role.err.includes("    at "), role.err);
  },
);
