/**
 * The plugins of policy in the real sandbox, with the grants that their pages
 * name and no others.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import type { StartValue } from "../../../src/schema/event_value.ts";
import { aNode, aVm, startRequest } from "../../support/plugin_values.ts";
import { Sandbox } from "../../support/sandbox.ts";

const CONFIGS = {
  users: {
    events: ["client_authenticate", "lnm_authenticate"],
    options: { lockout: { failures: 1 } },
    grants: { ctx: ["accounts", "state"] },
  },
  sample: {
    events: ["ctrl_start", "sample_event"],
    grants: { ctx: ["fire", "schedule"] },
  },
  sample2: { events: ["start"], grants: { ctx: ["state"] } },
  kwargfil: {
    events: ["request"],
    options: { rules: [{ name: "all", limits: { memory: "1GiB" } }] },
  },
  placement: {
    events: ["start_request"],
    options: {
      pools: { old: { zone: "b" } },
      rules: [{ name: "all", pool: "old" }],
      shares: [{ name: "all", vms: 1 }],
    },
    grants: { ctx: ["vms"] },
  },
  rebalance: {
    events: [{ event: "periodic", period: "1m" }],
    grants: { ctx: ["vms", "nodes", "requests", "state"], verbs: ["migrate"] },
  },
};

Deno.test("plugins of policy work in the sandbox with what their pages grant", async (t) => {
  const vm = aVm("web.lab.ann");
  const nodes = [aNode("n1"), aNode("n2")];
  const passwords = { ann: "right", n1: "secret" };
  await using sandbox = await Sandbox.open(CONFIGS, { nodes, passwords });
  const identity = { role: null, groups: [] };
  const credentials = { user: "ann", password: "right", address: "" };
  const linesOf = (plugin: string) =>
    sandbox.lines.filter((line) => line.plugin === plugin).map((it) => it.text);

  await t.step("users", async () => {
    deepStrictEqual(
      await sandbox.call("users", "client_authenticate", [
        credentials,
        false,
        identity,
      ]),
      [credentials, true, identity],
    );
    const wrong = { ...credentials, password: "wrong" };
    const guess = () =>
      sandbox.call("users", "client_authenticate", [wrong, false, identity]);
    strictEqual((await guess())?.[1], false);
    await rejects(guess, { code: "refused" });
  });

  await t.step("sample", async () => {
    await sandbox.call("sample", "ctrl_start", [{ version: "1" }]);
    const [scheduled] = sandbox.site.scheduled.values();
    deepStrictEqual(scheduled?.params.args, ["ctrl_start"]);
    await sandbox.call("sample", "sample_event", ["ctrl_start"]);
    deepStrictEqual(linesOf("sample"), [
      "hello, ctrl_start of nothing",
      "hello again, after ctrl_start",
    ]);
  });

  await t.step("sample2", async () => {
    await sandbox.call("sample2", "start", [vm]);
    await sandbox.call("sample2", "start", [vm]);
    deepStrictEqual(linesOf("sample2"), ["the 1st start", "the 2nd start"]);
  });

  await t.step("kwargfil", async () => {
    const spec = { memoryMiB: 2048 };
    const request = startRequest(["web.lab.ann"], { spec });
    await rejects(sandbox.call("kwargfil", "request", [request]), {
      code: "refused",
      message: /Memory of 2 GiB is more than rule "all" allows/,
    });
  });

  await t.step("placement", async () => {
    const start = (name: string) =>
      sandbox.call("placement", "start_request", [startRequest([name])]);
    const answer = await start("a.lab.ann");
    const { spec } = answer?.[0] as StartValue;
    deepStrictEqual(spec.placement, { nodeLabels: { zone: "b" } });
    await rejects(() => start("b.lab.ann"), { code: "refused" });
  });

  await t.step("rebalance", async () => {
    await sandbox.call("rebalance", "periodic", []);
    match(
      JSON.stringify(sandbox.site.state.get("last plan")),
      /the busiest node lies 0 % above the mean/,
    );
  });
});

Deno.test("filespace works in the sandbox within what it is granted, and not beyond", async () => {
  const made = await Deno.makeTempDir({ prefix: "usher_policy_" });
  const dir = await Deno.realPath(made);
  try {
    for (const name of ["net", "other"]) await Deno.mkdir(`${dir}/${name}`);
    const events = ["start_request", "register", "unregister"];
    const folder = (root: string) => ({
      folder: `${dir}/${root}/{user}/{cluster}/{vm}`,
      mode: "0700",
    });
    await using sandbox = await Sandbox.open({
      filespace: {
        events,
        options: {
          roots: [`${dir}/net`, `${dir}/other`],
          rules: [folder("net"), { ...folder("other"), vms: ["bad.*.*"] }],
          reserve: "1MiB",
        },
        grants: {
          read: [dir],
          write: [`${dir}/net`],
          sys: ["statfs"],
          ctx: ["vms", "state"],
        },
      },
    });
    const vm = aVm("web.lab.ann");
    await sandbox.call("filespace", "start_request", [
      startRequest([vm.name]),
    ]);
    await sandbox.call("filespace", "register", [vm]);
    const { mode } = await Deno.stat(`${dir}/net/ann/lab/web`);
    strictEqual((mode ?? 0) & 0o777, 0o700);
    await sandbox.call("filespace", "unregister", [vm]);
    deepStrictEqual([...Deno.readDirSync(`${dir}/net/ann/lab`)], []);
    await rejects(
      sandbox.call("filespace", "register", [aVm("bad.lab.ann")]),
      { code: "plugin_failed", message: /write access/ },
    );
    deepStrictEqual([...Deno.readDirSync(`${dir}/other`)], []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
