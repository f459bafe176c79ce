/**
 * Draining from the command line: what it shows, and how it ends.
 *
 * @module
 */
import { match, ok, strictEqual } from "node:assert/strict";
import { runClient } from "../../src/client/main.ts";
import { EXIT } from "../../src/client/exit.ts";
import { withShell } from "../support/site_shell.ts";
import { until } from "../support/wait.ts";

Deno.test("node drain shows each VM, says what is left and why, and ends with its exit code", () =>
  withShell(2, async ({ site, run }) => {
    await site.run("start", "web", { count: 3, on: "n1" });
    await site.run("start", "big", { on: "n2" });
    await site.run("start", "shy", {
      on: "n1",
      spec: { placement: { apartFrom: ["big"] } },
    });
    const plan = await run("node drain n1 --plan");
    strictEqual(plan.code, EXIT.notPlaced);
    match(plan.out, /web-1\.default\.admin +n2 +live/);
    match(plan.out, /shy\.default\.admin +- +live +\S/);

    const drained = await run("node drain n1");
    strictEqual(drained.code, EXIT.notPlaced);
    match(drained.err, /web-1\.default\.admin: (?:moved to|running on) n2/);
    match(
      drained.err,
      /Cannot drain node "n1"\n +why: 1 of 4 VMs are still on it/,
    );
    match(drained.err, /shy\.default\.admin: no node fits/);
    match((await run("node list")).out, /n1 +draining/);
    match((await run("node show n1")).out, /draining +yes/);

    const listed = await run("op list verb=drain");
    const [, id = ""] =
      /^(\S+) +drain +\(node n1\) +failed +3\/4/m.exec(listed.out) ?? [];
    ok(id !== "", listed.out);
    match(
      (await run(`op list parent=${id},state=failed`)).out,
      /migrate +shy/,
    );
    const shown = await run(`op show ${id}`);
    match(shown.out, /moved +3 of 4[\s\S]*shy\.default\.admin +failed/);

    await site.run("destroy", "big");
    const again = await run("node drain n1");
    strictEqual(again.code, EXIT.done, again.err);
    match(again.err, /n1 is empty: 1 VM\(s\) moved/);
    match((await run("node undrain n1")).out, /n1 takes VMs again/);
  }));

Deno.test("a site of one node cannot be drained, and is told that another is missing", () =>
  withShell(1, async ({ site, run }) => {
    await site.run("start", "web");
    const { out, code } = await run("node drain n1 --plan");
    strictEqual(code, EXIT.notPlaced);
    match(out, /there is no other node than n1; "usher node token" prints/);
    const dead = await run("node declare-dead n1 --yes");
    match(dead.err, /it is connected\n +try: .*usher node drain n1 moves/);
  }));

Deno.test("a drain can be left, come back to, and cancelled", () =>
  withShell(2, async ({ site, run, io }) => {
    const spec = { sim: { sendMs: 600_000 } };
    await site.run("start", "web", { count: 3, on: "n1", spec });
    const { out, code } = await run("node drain n1 --no-wait");
    strictEqual(code, EXIT.done);
    const id = out.trim();
    const begin = (argv: string[]) => {
      const terminal = io();
      return { io: terminal, ended: runClient(argv, terminal) };
    };
    const attached = begin(["op", "attach", id]);
    await until("it shows a VM", () => attached.io.err.includes("web-1"));
    const second = begin(["node", "drain", "n1"]);
    await until("the other does", () => second.io.err.includes("web-1"));
    second.io.interrupt();
    strictEqual(await second.ended, EXIT.stillRunning);
    match(second.io.err, new RegExp(`usher op attach ${id}`));
    match((await run(`op show ${id}`)).out, /cancellable +yes/);
    match((await run(`op cancel ${id}`)).err, /drain of n1 is cancelling/);
    strictEqual(await attached.ended, EXIT.failed, attached.io.err);
    match(attached.io.err, /Drain of node "n1" was cancelled/);
    strictEqual((await run(`op cancel ${id}`)).code, EXIT.conflict);
    for (const name of ["web-1", "web-2", "web-3"]) {
      strictEqual((await site.vm(name)).node, "n1");
    }
  }));
