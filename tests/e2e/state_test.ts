/**
 * Check, backup and restore with the executable, as an administrator does it:
 * the controller's machine is lost, and the site goes on.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { compiledUsher } from "../support/compiled.ts";
import { RolesSite } from "../support/roles_site.ts";
import { until } from "../support/wait.ts";

async function states(site: RolesSite): Promise<Record<string, string>> {
  const vms = JSON.parse(await site.usher("vm", "list", "-o", "json"));
  return Object.fromEntries(
    vms.map((vm: { name: string; status: { state: string } }) => [
      vm.name.split(".")[0],
      vm.status.state,
    ]),
  );
}

Deno.test("a controller whose state was lost goes on from a backup", async () => {
  await using site = await RolesSite.start(await compiledUsher(), "sim");
  const state = ["--state", `${site.dir}/ctrl`];
  const backup = `${site.dir}/usher.backup`;
  await site.usher("vm", "start", "kept", "stopped");
  match(await site.usher("ctrl", "check", ...state), /^read from the running/);
  await site.usher("ctrl", "backup", ...state, backup);
  await site.usher("vm", "start", "made-since");
  await site.usher("vm", "poweroff", "stopped");
  await site.ctrl.kill();
  await Deno.remove(`${site.dir}/ctrl`, { recursive: true });

  await site.usher("ctrl", "restore", ...state, backup);
  match(await site.usher("ctrl", "check", ...state), /the state is sound$/);
  await site.startCtrl();
  // Logins and the node's secret are good again: nothing is asked of anyone.
  await until("the node has told", async () => {
    const found = await states(site);
    return !Object.values(found).includes("unknown") && "made-since" in found;
  }, { deadlineMs: 60_000 });
  deepStrictEqual(await states(site), {
    kept: "running",
    "made-since": "running",
    stopped: "stopped",
  });
  match(
    await site.usher("audit", "list", "--verb", "restore"),
    /restore +.*told/,
  );
  match(await site.usher("audit", "verify"), /are as they were written/);
  const again = await site.run(["ctrl", "restore", ...state, backup]);
  deepStrictEqual([again.code, /it holds /.test(again.err)], [5, true]);
  const nowhere = await site.run(["ctrl", "check", "--state", "/nowhere"]);
  strictEqual(nowhere.code, 1);
  match(nowhere.err, /There is no state in "\/nowhere/);
});
