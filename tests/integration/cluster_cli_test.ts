/**
 * Clusters and quotas at the command line.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { EXIT } from "../../src/client/exit.ts";
import type { VmView } from "../../src/schema/change.ts";
import type { TestSite } from "../support/site.ts";
import { withShell } from "../support/site_shell.ts";

Deno.test("a verb on a cluster is one request for all its VMs, and for no other's", () =>
  withShell(1, async ({ run, site }) => {
    await run("vm start a.web b.web c.lab");
    const { code, out } = await run("cluster shutdown web");
    strictEqual(code, EXIT.done, out);
    const { vms } = await listed(site);
    deepStrictEqual(vms.map(({ name, spec }) => [name, spec.power]), [
      ["a.web.admin", "off"],
      ["b.web.admin", "off"],
      ["c.lab.admin", "on"],
    ]);
    strictEqual((await run("cluster start web --no-wait")).code, EXIT.done);
    const wrong = await run("cluster destroy wbe");
    strictEqual(wrong.code, EXIT.failed);
    match(wrong.err, /There is no cluster "wbe"[\s\S]*did you mean "web"/);
    await run("cluster create empty");
    const none = await run("cluster poweroff empty");
    deepStrictEqual([none.code, none.err], [
      EXIT.done,
      "cluster empty.admin has no VMs\n",
    ]);
    const kept = await run("cluster delete web");
    strictEqual(kept.code, EXIT.conflict);
    match(kept.err, /it has 2 VMs \(a\.web\.admin, b\.web\.admin\)/);
    strictEqual((await run("cluster destroy web")).code, EXIT.done);
    strictEqual((await run("cluster delete web")).code, EXIT.done);
    const left = await run("cluster list -o name");
    deepStrictEqual(left.out.trim().split("\n"), ["empty.admin", "lab.admin"]);
  }));

Deno.test("shares are given, shown and ended at the command line", () =>
  withShell(1, async ({ run }) => {
    await run("cluster create web");
    await run("cluster share web --user bob --group ops --control");
    match((await run("cluster list")).out, /bob:control @ops:control/);
    const again = await run("cluster share web --user bob");
    match(again.err, /^bob may now view web\.admin$/m);
    const shown = await run("cluster show web");
    match(shown.out, /^shared with +user bob to view, by admin /m);
    await run("cluster unshare web --user bob --group ops");
    match((await run("cluster list")).out, /^web\.admin +0 +0 +- /m);
    strictEqual((await run("cluster share web")).code, EXIT.usage);
    strictEqual((await run("cluster share web --user BOB")).code, EXIT.usage);
  }));

Deno.test("a share with a name that nobody has says so, and how it is taken back", () =>
  withShell(1, async ({ run, site }) => {
    const { accounts } = site.site.controller.site;
    await accounts.create("bob", "user", "a password");
    await run("cluster create web");
    const meant = await run("cluster share web --user bob");
    strictEqual(meant.err, "bob may now view web.admin\n");
    const { code, err } = await run("cluster share web --user bbo");
    strictEqual(code, EXIT.done);
    match(err, /^bbo may now view web\.admin$/m);
    match(err, /^note: there is no user "bbo" yet: .* did you mean "bob"\?$/m);
    const [, undo = ""] = /take it back with: usher (.*)$/m.exec(err) ?? [];
    match((await run(undo)).err, /web\.admin is shared no more with bbo/);
    const group = await run([
      ...["cluster", "share", "web", "--group", "the ops"],
    ]);
    match(group.err, /unshare web\.admin --group 'the ops'$/m);
  }));

Deno.test("quotas are set and shown, and what is too much has an exit code", () =>
  withShell(1, async ({ run }) => {
    await run("vm start a.web");
    const set = await run("quota set web.admin --vms 1 --memory 1GiB");
    match(set.out, /^vms +1 of 1 \(set for it\)$/m);
    match(set.out, /^vcpus +1 of any$/m);
    const more = await run("vm start b.web");
    strictEqual(more.code, EXIT.notPlaced);
    match(more.err, /quota of cluster "web\.admin" is 1 VMs, 1 of it is used/);
    match(more.err, /usher quota set web\.admin --vms/);
    match((await run("quota list")).out, /^web\.admin +1\/1 /m);
    await run("quota set web.admin --vms none");
    strictEqual((await run("vm start b.web")).code, EXIT.done);
    strictEqual((await run("quota set web.admin")).code, EXIT.usage);
  }));

Deno.test("a quota of whom nobody knows is a slip, unless it is said to be ahead", () =>
  withShell(1, async ({ run, site }) => {
    await site.site.controller.site.accounts.create(
      "bob",
      "user",
      "a password",
    );
    await run("vm start a.web");
    const wrong = await run("quota set bbo --vms 5");
    strictEqual(wrong.code, EXIT.failed);
    match(
      wrong.err,
      /no account, no session, no VM[\s\S]*did you mean "bob"\?/,
    );
    const cluster = await run("quota set wbe.admin --vms 5");
    match(
      cluster.err,
      /no cluster "wbe\.admin"[\s\S]*did you mean "web\.admin"/,
    );
    strictEqual((await run("quota list -o name")).out.includes("bbo"), false);
    for (const known of ["bob", "web.admin", "admin", "bbo --ahead"]) {
      const { code, err } = await run(`quota set ${known} --vms 5`);
      strictEqual(code, EXIT.done, `${known}: ${err}`);
    }
    // What was set ahead is known from then on.
    strictEqual((await run("quota set bbo --vms default")).code, EXIT.done);
    const { out } = await run("audit list --verb setQuota --columns names");
    match(out, /^bob$/m);
    match(out, /^web\.admin$/m);
  }));

Deno.test("a whole cluster moves, each VM where there is room or all to one node", () =>
  withShell(2, async ({ run, site }) => {
    await run("vm start a.web --on n1");
    await run("vm start b.web --on n1");
    await run("vm start c.lab --on n1");
    const moved = await run("cluster migrate web --to n2");
    strictEqual(moved.code, EXIT.done, moved.err);
    const { vms } = await listed(site);
    deepStrictEqual(vms.map(({ name, node }) => [name, node]), [
      ["a.web.admin", "n2"],
      ["b.web.admin", "n2"],
      ["c.lab.admin", "n1"],
    ]);
    const grace = await run("cluster shutdown web --grace 5m");
    strictEqual(grace.code, EXIT.done, grace.err);
  }));

Deno.test("whole names may have the site's suffix, and DNS names are shown", () =>
  withShell(1, async ({ run }) => {
    const started = await run("vm start a.web.admin.vm.example.org");
    strictEqual(started.code, EXIT.done, started.err);
    match(
      (await run("vm show a.web")).out,
      /^in DNS +a\.web\.admin\.vm\.example\.org$/m,
    );
    const listed = await run("vm list --columns name,dns --no-header");
    strictEqual(listed.out, "a.web.admin  a.web.admin.vm.example.org\n");
    for (
      const line of [
        "vm show a.web.admin.VM.example.org.",
        "cluster show web.admin.vm.example.org",
        "cluster poweroff web.admin.vm.example.org",
        "cluster share web.admin.vm.example.org --user bob",
        "quota set web.admin.vm.example.org --vms 5",
      ]
    ) {
      const { code, err } = await run(line);
      strictEqual(code, EXIT.done, `${line}: ${err}`);
    }
    // Less than a whole name keeps its end.
    strictEqual((await run("vm show a.vm.example.org")).code, EXIT.failed);
  }, { ctrl: { name_suffix: "vm.example.org" } }));

Deno.test("names of clusters are completed", () =>
  withShell(1, async ({ run }) => {
    await run("cluster create web");
    const { out } = await run("__complete cluster show w");
    strictEqual(out, "web.admin\t0 VMs\n");
  }));

async function listed(site: TestSite): Promise<{ vms: VmView[] }> {
  return (await site.call<{ vms: VmView[] }>("GET", "/v1/vms")).body;
}
