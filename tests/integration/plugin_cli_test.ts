/**
 * What plugins decide, at the command line.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { EXIT } from "../../src/client/exit.ts";
import { runClient } from "../../src/client/main.ts";
import { pluginOf } from "../support/local_plugins.ts";
import { withShell } from "../support/site_shell.ts";
import { until } from "../support/wait.ts";

Deno.test("a refusal of a plugin is exit code 4, and a plan says what plugins change", () => {
  const policy = pluginOf("policy", {
    start_request([request], ctx) {
      if (request.vms.length > 2) ctx.refuse("2 VMs at most", "ask for fewer");
      return [{ ...request, on: "n2" }];
    },
  });
  return withShell(2, async ({ run }) => {
    const refused = await run("vm start -n 3 web");
    strictEqual(refused.code, EXIT.denied);
    deepStrictEqual(refused.err.split("\n"), [
      'error: Plugin "policy" refuses',
      "  why: 2 VMs at most",
      "  try: ask for fewer",
      "",
    ]);
    const plan = await run("vm start web --plan");
    strictEqual(plan.code, EXIT.done);
    match(plan.out, /web\.default\.admin +n2 /);
    match(plan.out, /^plugin "policy" in start_request: set on to "n2"$/m);
    strictEqual((await run("vm start -n 3 web --plan")).code, EXIT.denied);
    strictEqual((await run("vm start web")).code, EXIT.done);
    const show = await run("op list -o name");
    const shown = await run(["op", "show", show.out.trim()]);
    match(shown.out, /plugin policy: set on to "n2"/);
  }, {
    modules: { policy },
    ctrl: { plugins: { policy: { events: ["start_request"] } } },
  });
});

Deno.test("a request that waits for a plugin says so, is left by Ctrl-C, come back to, and given up", () => {
  const slow = pluginOf("slow", {
    request: () => new Promise<void>(() => {}),
  });
  return withShell(1, async ({ run, io }) => {
    const fake = io();
    const running = runClient(["vm", "start", "web"], fake);
    await until(
      "it says for whom it waits",
      () => fake.err.includes('waiting for plugin "slow" (1 s)'),
    );
    fake.interrupt();
    strictEqual(await running, EXIT.stillRunning);
    match(fake.err, /the request waits for plugin "slow", and goes on if that/);
    const [, id = ""] = /usher op cancel --request (\S+)/.exec(fake.err) ?? [];
    const back = io();
    const attached = runClient(["op", "attach", id], back);
    await until(
      "it is waited for again",
      () => back.err.includes('waiting for plugin "slow"'),
    );
    const cancel = await run(["op", "cancel", "--request", id]);
    deepStrictEqual([cancel.code, cancel.err], [
      EXIT.done,
      "given up before anything was done\n",
    ]);
    strictEqual(await attached, EXIT.failed);
    match(back.err, /was cancelled by admin before anything was done/);
  }, {
    modules: { slow },
    ctrl: {
      plugins: { slow: { events: [{ event: "request", deadline: "1m" }] } },
    },
  });
});
