/**
 * The plugins of policy on a whole site: what they edit is what is done, what
 * they refuse is not, and what they are told is true.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import * as filespace from "../../../plugins/filespace/plugin.ts";
import * as kwargfil from "../../../plugins/kwargfil/plugin.ts";
import * as placement from "../../../plugins/placement/plugin.ts";
import * as rebalance from "../../../plugins/rebalance/plugin.ts";
import * as uipmgr from "../../../plugins/uipmgr/plugin.ts";
import { forgetRead } from "../../../plugins/uipmgr/own_leases.ts";
import * as sample from "../../../plugins/sample.ts";
import * as sample2 from "../../../plugins/sample2/plugin.ts";
import type { Problem } from "../../../src/schema/problem.ts";
import { TestSite } from "../../support/site.ts";
import { until } from "../../support/wait.ts";

Deno.test("policy: a start passes kwargfil, placement and filespace, and its trail tells of each", async () => {
  const made = await Deno.makeTempDir({ prefix: "usher_policy_" });
  const dir = await Deno.realPath(made);
  await using site = await TestSite.start({
    lnm: { labels: { zone: "b" } },
    modules: { kwargfil, placement, filespace },
    ctrl: {
      plugins: {
        kwargfil: {
          events: ["request"],
          options: {
            rules: [{
              name: "all",
              limits: { memory: "1GiB" },
              args: { ip: "deny" },
              defaults: { memory: "128MiB" },
            }],
          },
        },
        placement: {
          events: ["start_request", "request"],
          options: {
            pools: { old: { zone: "b" } },
            rules: [{ name: "everybody", pool: "old" }],
            shares: [{ name: "few", vms: 3 }],
          },
          grants: { ctx: ["vms"] },
        },
        filespace: {
          events: ["start_request", "register", "start_failure", "unregister"],
          options: {
            roots: [dir],
            rules: [{ folder: `${dir}/{user}/{cluster}/{vm}` }],
          },
          grants: { read: [dir], write: [dir], ctx: ["vms", "state"] },
        },
      },
    },
  });
  const { outcomes: [outcome] } = await site.run("start", "web");
  strictEqual(outcome?.state, "succeeded", JSON.stringify(outcome));
  const vm = await site.vm("web");
  strictEqual(vm.spec.memoryMiB, 128);
  deepStrictEqual(vm.spec.placement.nodeLabels, { zone: "b" });
  strictEqual(vm.args["placement"], 'pool "old" by rule "everybody"');
  const { trail } = await site.operation(outcome?.operation ?? "");
  const told = trail.map(({ source, text }) => `${source}: ${text}`);
  ok(told.includes("plugin kwargfil: set spec.memoryMiB to 128"), told.join());
  ok(told.some((it) => /^plugin placement: set .*placement/.test(it)));
  const [, cluster, user] = vm.name.split(".");
  const folder = `${dir}/${user}/${cluster}`;
  ok((await Deno.stat(`${folder}/web`)).isDirectory);

  const tooMuch = await site.refusal("start", ["db"], {
    spec: { memoryMiB: 2048 },
  });
  match(tooMuch.detail, /^Plugin "kwargfil" refuses: Memory of 2 GiB/);
  const address = await site.refusal("pause", ["web"], { args: { ip: "1" } });
  match(address.detail, /"ip" may not be given/);
  const share = await site.refusal("start", ["db"], { count: 3 });
  match(share.detail, /passes share "few" \(VMs: 1 held, 4 wanted, 3 allowed/);

  const failed = await site.run("start", "bad", {
    spec: { sim: { startError: "no" } },
  });
  strictEqual(failed.outcomes[0]?.state, "failed");
  await site.run("destroy", "web");
  await until(
    "the space of both is gone",
    () => [...Deno.readDirSync(folder)].length === 0,
  );
  await Deno.remove(dir, { recursive: true });
});

Deno.test("policy: rebalance moves off the node whose VMs are busy, within its budget, and says why", async () => {
  await using site = await TestSite.start({
    nodes: 2,
    lnm: { usage_interval: "20ms", capacity: { cpus: 2, memory: "8GiB" } },
    modules: { rebalance },
    ctrl: {
      plugins: {
        rebalance: {
          events: [{ event: "periodic", period: "1s" }],
          options: {
            measure: "vms",
            window: "m1",
            ceiling: 1,
            start_above: 0.02,
            stop_below: 0.01,
            settle: "1s",
            moves_per_hour: 1,
          },
          grants: {
            ctx: ["vms", "nodes", "requests", "state"],
            verbs: ["migrate"],
          },
        },
      },
    },
  });
  // As many and as large on both; what they do is all that differs.
  const start = (names: string[], on: string, cpuLoad: number) =>
    site.run("start", names, {
      on,
      spec: { memoryMiB: 64, sim: { cpuLoad } },
    });
  await start(["a", "b", "c"], "n1", 1);
  await start(["d", "e", "f"], "n2", 0);
  // Two moves would be better, and one is allowed.
  const lines = await until("it says why it does no more", async () => {
    const response = await site.client.fetch(
      `${site.site.url}/v1/plugins/rebalance/logs`,
      { headers: { authorization: `Bearer ${site.site.token}` } },
    );
    const texts = (await response.text()).trim().split("\n")
      .map((line) => line === "" ? "" : JSON.parse(line).text as string);
    return texts.some((it) =>
        /above the mean, but as many moves as are allowed now/.test(it)
      )
      ? texts
      : null;
  }, { deadlineMs: 30_000 });
  const told = lines.filter((it) => it.startsWith("moves "));
  const [, moved = "", why = ""] =
    /^moves ([abc]\.\S+) from n1 to n2: (n1 from .*; imbalance from .*)$/.exec(
      told[0] ?? "",
    ) ?? [];
  const { body: { operations } } = await site.call<
    { operations: { id: string; verb: string; vm: string; user: string }[] }
  >("GET", "/v1/operations");
  const moves = operations.filter(({ verb }) => verb === "migrate");
  deepStrictEqual(moves.map(({ vm, user }) => [vm, user]), [
    [moved, "plugin:rebalance"],
  ]);
  const { trail } = await site.untilOperation(
    moves[0]?.id ?? "",
    "succeeded",
  );
  ok(trail[0]?.text.endsWith(`in event periodic: ${why}`), trail[0]?.text);
  strictEqual((await site.vm(moved)).node, "n2");
  strictEqual(told.length, 1);
});

Deno.test("policy: an address of a start that another plugin refused goes to the next one", async () => {
  forgetRead();
  const strict = {
    manifest: { name: "strict", version: "1", api: 1 },
    default: ({ definePlugin }: {
      definePlugin: (definition: unknown) => unknown;
    }) =>
      definePlugin({
        handlers: {
          start_request: (
            [request]: [{ names: string[] }],
            ctx: { refuse(reason: string): never },
          ) => request.names.includes("bad") ? ctx.refuse("no") : undefined,
        },
      }),
  };
  await using site = await TestSite.start({
    modules: { uipmgr, strict },
    ctrl: {
      plugins: {
        uipmgr: {
          events: ["start_request", "register", "start_failure", "unregister"],
          options: {
            dfltrange: "lab",
            ranges: { lab: { ipv4: { network: "10.1.0.0/30" } } },
          },
          grants: { net: [], read: [], ctx: ["vms", "state"] },
        },
        strict: { events: [{ event: "start_request", order: 9 }] },
      },
    },
  });
  match((await site.refusal("start", ["bad"])).detail, /"strict" refuses/);
  const names = ["a", "b"];
  await site.run("start", names);
  const ips = await Promise.all(
    names.map(async (name) => (await site.vm(name)).args["ip"]),
  );
  deepStrictEqual(ips.toSorted(), ["10.1.0.1", "10.1.0.2"]);
  match((await site.refusal("start", ["c"])).detail, /no IPv4 address left/);
  // One that fails gives its address back, too.
  await site.run("destroy", "a");
  await site.run("start", "c", { spec: { sim: { startError: "no" } } });
  const freed = await until("another has it", async () => {
    const { body } = await site.call<{ detail?: string }>(
      "POST",
      "/v1/requests",
      { verb: "start", names: ["d"] },
    );
    return body.detail === undefined ? true : null;
  });
  ok(freed);
});

Deno.test("policy: users lets in by password, and locks who guesses, also over a restart", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "usher_policy_" });
  const open = () =>
    TestSite.start({
      stateDir,
      ctrl: {
        plugins: {
          users: {
            events: ["client_authenticate", "lnm_authenticate"],
            options: { lockout: { failures: 2 } },
            grants: { ctx: ["accounts", "state"] },
          },
        },
      },
    });
  const login = (site: TestSite, password: string) =>
    site.call<{ token: string } & Problem>("POST", "/v1/login", {
      user: "admin",
      password,
    }, null);
  const refusal = /Too many failed logins of this account from this address/;
  const password = async () =>
    (await Deno.readTextFile(`${stateDir}/admin-password`)).trim();
  {
    await using site = await open();
    strictEqual((await login(site, await password())).status, 200);
    for (let i = 0; i < 2; i++) {
      strictEqual((await login(site, "no")).status, 401);
    }
    match((await login(site, await password())).body.detail, refusal);
  }
  {
    await using site = await open();
    match((await login(site, await password())).body.detail, refusal);
  }
  await Deno.remove(stateDir, { recursive: true });
});

Deno.test("policy: sample's own event comes by the clock, and sample2 counts", async () => {
  const lines: string[] = [];
  const ear = {
    manifest: { name: "ear", version: "1", api: 1 },
    default: ({ definePlugin }: {
      definePlugin: (definition: unknown) => unknown;
    }) =>
      definePlugin({
        handlers: {
          sample_event: ([cause]: [string]) => void lines.push(cause),
        },
      }),
  };
  await using site = await TestSite.start({
    modules: { sample, sample2, ear },
    ctrl: {
      plugins: {
        sample: {
          events: ["start"],
          options: { delay: "100ms" },
          grants: { ctx: ["fire", "schedule"] },
        },
        sample2: { events: ["start"], grants: { ctx: ["state"] } },
        ear: { events: ["sample_event"] },
      },
    },
  });
  await site.run("start", ["a"]);
  await until("sample_event has come", () => lines.length > 0);
  deepStrictEqual(lines, ["start"]);
});
