/**
 * `uipmgr`: VMs get addresses at their start and give them back at their end,
 * with PostgreSQL and without; nothing that breaks off in between gives one
 * twice or loses one.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import { forgetRead } from "../../../plugins/uipmgr/own_leases.ts";
import * as uipmgr from "../../../plugins/uipmgr/plugin.ts";
import { EXAMPLE_ASKED } from "../../../src/schema/event_example.ts";
import type { UsherError } from "../../../src/error/mod.ts";
import type { StartValue } from "../../../src/schema/event_value.ts";
import { type Bench, onBench } from "../../support/plugin_bench.ts";
import { aVm, startRequest } from "../../support/plugin_values.ts";
import {
  ipOf,
  made,
  type More,
  RANGES,
  start,
  vmOf,
} from "../../support/uipmgr_bench.ts";
import { PostgresServer } from "../../support/postgres_server.ts";

Deno.test("uipmgr gives addresses and takes them back, wherever it keeps them", async (t) => {
  await using server = await PostgresServer.start();
  await server.dir.write("pw", `${server.login.password}\n`);
  const stores = [
    ["its own space", () => Promise.resolve({})],
    ["PostgreSQL", async () => ({
      server: server.login.host,
      port: server.login.port,
      db_name: await server.database(),
      mgrname: server.login.user,
      mgrpw_file: `${server.dir.path}/pw`,
    })],
  ] as const;
  for (const [kind, store] of stores) {
    const step = (name: string, run: (bench: Bench) => Promise<void>) =>
      t.step(`${kind}: ${name}`, async () => {
        forgetRead();
        await using bench = await onBench(uipmgr, {
          options: { ranges: RANGES, dfltrange: "lab", ...await store() },
        });
        await run(bench);
      });
    await step("what a start gets", whatAStartGets);
    await step("the same decision again gets the same", sameDecision);
    await step("a plan takes nothing", planned);
    await step("many starts at once get an address each", manyStarts);
    await step("an address comes back with its VM's end", comesBack);
    await step("a late end of an old VM frees nothing of the next", lateEnd);
    await step("an existing VM keeps its address, or gets one", existing);
    await step("who may have which range", access);
    await step("an address by number", byNumber);
    await step("what it sets is set by nobody else", managed);
    await step("a full range is told, and nothing of the request kept", full);
    await step("what another plugin refuses is free at once", refusedLater);
    await step("what a crash leaves is put right at the next start", crashes);
  }
});

async function whatAStartGets(bench: Bench): Promise<void> {
  const request = await start(bench, ["web.lab.ann", "db.lab.ann"]);
  const { lease, ...args } = request.vmArgs["web.lab.ann"] ?? {};
  match(lease ?? "", /^[0-9a-f]{16}$/);
  deepStrictEqual(args, {
    range: "lab",
    vlan: "12",
    ip: "10.1.0.2",
    prefix: "24",
    gateway: "10.1.0.1",
    ip6: "2001:db8:1::2",
    prefix6: "64",
    gateway6: "2001:db8:1::1",
  });
  deepStrictEqual(request.vmArgs["db.lab.ann"]?.["ip"], "10.1.0.3");
  deepStrictEqual(request.spec.nics, [{ kind: "bridge", bridge: "br12" }]);
}

async function sameDecision(bench: Bench): Promise<void> {
  const once = await start(bench, ["web.lab.ann"], { decision: "one" });
  const again = await start(bench, ["web.lab.ann"], { decision: "one" });
  deepStrictEqual(again.vmArgs, once.vmArgs);
  const other = await start(bench, ["web.lab.ann"], { decision: "two" });
  ok(ipOf(other, "web.lab.ann") !== ipOf(once, "web.lab.ann"));
}

async function planned(bench: Bench): Promise<void> {
  const request = startRequest(["web.lab.ann"]);
  const plan = await bench.call("start_request", [request], { isReplay: true });
  deepStrictEqual(ipOf(plan?.[0] as StartValue, "web.lab.ann"), "10.1.0.2");
  const real = await made(bench, "other.lab.ann");
  deepStrictEqual(real.args["ip"], "10.1.0.2");
  await bench.call("unregister", [real], { isReplay: true });
  const next = await start(bench, ["next.lab.ann"]);
  deepStrictEqual(ipOf(next, "next.lab.ann"), "10.1.0.3");
}

async function manyStarts(bench: Bench): Promise<void> {
  const names = Array.from({ length: 11 }, (_, i) => `vm${i}.lab.ann`);
  const requests = await Promise.all(
    names.map((name) => start(bench, [name])),
  );
  const all = requests.map((it, i) => ipOf(it, names[i] ?? ""));
  deepStrictEqual(new Set(all).size, 11);
  ok(!all.includes("10.1.0.1"));
}

async function comesBack(bench: Bench): Promise<void> {
  const vm = await made(bench, "web.lab.ann");
  bench.site.vms = [];
  await bench.call("unregister", [vm]);
  const next = await made(bench, "next.lab.ann");
  deepStrictEqual(next.args["ip"], vm.args["ip"]);
  // A new VM whose start failed is unregistered; one that was there stays.
  await bench.call("start_failure", [next, PROBLEM]);
  const third = await made(bench, "third.lab.ann");
  ok(third.args["ip"] !== next.args["ip"]);
  bench.site.vms = [third];
  await bench.call("start_failure", [next, PROBLEM]);
  const fourth = await made(bench, "fourth.lab.ann");
  deepStrictEqual(fourth.args["ip"], next.args["ip"]);
}

async function lateEnd(bench: Bench): Promise<void> {
  const old = await made(bench, "web.lab.ann");
  bench.site.vms = [];
  await bench.call("unregister", [old]);
  const anew = await made(bench, "web.lab.ann", "01j0000000000000000000000z");
  deepStrictEqual(anew.args["ip"], old.args["ip"]);
  await bench.call("unregister", [old]);
  await bench.call("start_failure", [old, PROBLEM]);
  const other = await made(bench, "other.lab.ann");
  ok(other.args["ip"] !== anew.args["ip"]);
}

async function existing(bench: Bench): Promise<void> {
  const vm = await made(bench, "web.lab.ann");
  const vms = [{ name: vm.name, uid: vm.uid, node: null }];
  const again = await start(bench, [vm.name], { vms });
  deepStrictEqual(ipOf(again, vm.name), vm.args["ip"]);
  deepStrictEqual(again.spec.nics, undefined);
  const plain = aVm("plain.lab.ann");
  bench.site.vms = [vm, plain];
  const given = await start(bench, [plain.name], {
    vms: [{ name: plain.name, uid: plain.uid, node: null }],
  });
  ok(ipOf(given, plain.name));
  await rejects(
    start(bench, [vm.name], { vms, args: { range: "secret" }, role: "admin" }),
    /has its address in range "lab"/,
  );
}

async function access(bench: Bench): Promise<void> {
  bench.site.awaited.add(EXAMPLE_ASKED.id);
  const secret = { args: { range: "secret" } };
  await rejects(
    start(bench, ["a.lab.ann"], secret),
    (error: UsherError) => {
      match(error.message, /there is no range "secret" for you/);
      match(error.details.hint ?? "", /you may have lab/);
      return true;
    },
  );
  await rejects(
    start(bench, ["a.lab.ann"], { args: { range: "none" } }),
    /there is no range "none" for you/,
  );
  const others = [{ groups: ["ops"] }, { role: "admin" }];
  for (const [index, who] of others.entries()) {
    const name = `vm${index}.lab.ann`;
    const request = await start(bench, [name], { ...secret, ...who });
    match(ipOf(request, name) ?? "", /^10\.2\.0\.[12]$/);
  }
  await rejects(
    start(bench, ["c.lab.bob"], { ...secret, user: "bob" }),
    /range "secret" has no IPv4 address left/,
  );
}

async function byNumber(bench: Bench): Promise<void> {
  bench.site.awaited.add(EXAMPLE_ASKED.id);
  const wish = (ip: string) => ({ args: { ip } });
  const request = await start(bench, ["a.lab.ann"], wish("10.1.0.9"));
  deepStrictEqual(ipOf(request, "a.lab.ann"), "10.1.0.9");
  await rejects(
    start(bench, ["b.lab.ann"], wish("10.1.0.9")),
    /"b.lab.ann" should have is taken, or not in range "lab"/,
  );
  await rejects(start(bench, ["b.lab.ann"], wish("10.9.0.1")), /not in range/);
  await rejects(start(bench, ["b.lab.ann"], wish("x")), /no address for ip/);
  await rejects(
    start(bench, ["b.lab.ann", "c.lab.ann"], wish("10.1.0.10")),
    /one address cannot be for 2 VMs/,
  );
}

async function managed(bench: Bench): Promise<void> {
  await rejects(
    start(bench, ["a.lab.ann"], { args: { vlan: "1", lease: "x" } }),
    /set by the range alone: vlan, lease/,
  );
  const cycle = { verb: "cycle", args: { ip: "10.1.0.2" } };
  await rejects(
    bench.call("request", [{ ...startRequest(["a.lab.ann"]), ...cycle }]),
    /set at a start alone: ip/,
  );
  deepStrictEqual(
    await bench.call("request", [{ ...ASKED_LIST, verb: "list" }]),
    null,
  );
}

async function full(bench: Bench): Promise<void> {
  const names = Array.from({ length: 12 }, (_, i) => `vm${i}.lab.ann`);
  await rejects(start(bench, names), {
    message: /range "lab" has no IPv4 address left/,
  });
  const fits = await start(bench, names.slice(0, 11));
  deepStrictEqual(Object.keys(fits.vmArgs).length, 11);
}

async function crashes(bench: Bench): Promise<void> {
  // Four starts that were decided: the first VM came to be and nobody was
  // told, the second came to be and went, the third never was, the fourth is
  // still awaited.
  const first = await start(bench, ["first.lab.ann"]);
  const second = await made(bench, "second.lab.ann");
  const third = await start(bench, ["third.lab.ann"]);
  const fourth = await start(bench, ["fourth.lab.ann"], { id: "request-4" });
  bench.site.awaited.add("request-4");
  const vm = vmOf(first, "first.lab.ann", "01j0000000000000000000000f");
  // One whose lease was lost with the database.
  const lost = aVm("lost.lab.ann", {
    args: { range: "lab", ip: "10.1.0.11", lease: "0123456789abcdef" },
  });
  bench.site.vms = [vm, lost];
  await bench.call("ctrl_start", [SITE]);
  const ips = new Set<string | undefined>();
  const left = Array.from({ length: 8 }, (_, i) => `vm${i}.lab.ann`);
  for (const name of left) {
    ips.add(ipOf(await start(bench, [name], { decision: name }), name));
  }
  for (const free of [second.args["ip"], ipOf(third, "third.lab.ann")]) {
    ok(ips.has(free), free);
  }
  for (
    const held of [vm.args["ip"], "10.1.0.11", ipOf(fourth, "fourth.lab.ann")]
  ) ok(!ips.has(held), held);
  // What the first had is bound now: only its own end frees it.
  bench.site.vms = [];
  await bench.call("unregister", [vm]);
  const next = await start(bench, ["next.lab.ann"]);
  deepStrictEqual(ipOf(next, "next.lab.ann"), vm.args["ip"]);
}

/** Another plugin refuses, after this one has given; nothing tells of it. */
async function refusedLater(bench: Bench): Promise<void> {
  const all = Array.from({ length: 10 }, (_, i) => `vm${i}.lab.ann`);
  bench.site.awaited.add("request-2");
  const sent = { id: "request-2", decision: "decided-2" };
  const given = await start(bench, all, sent);
  const [mine = "", other = ""] = all;
  const last = await made(bench, "last.lab.ann");
  const fails = (more: More = {}) =>
    rejects(start(bench, ["next.lab.ann"], more), /no IPv4 address left|taken/);
  // As long as it may come to be it keeps what it has.
  await fails();
  const wish = { args: { ip: ipOf(given, mine) } };
  await fails(wish);
  // One of its VMs is there, though nobody was told.
  bench.site.vms = [...bench.site.vms, vmOf(given, other)];
  bench.site.awaited.clear();
  const next = await start(bench, ["next.lab.ann"], wish);
  deepStrictEqual(ipOf(next, "next.lab.ann"), ipOf(given, mine));
  await fails({ args: { ip: ipOf(given, other) } });
  await fails({ args: { ip: last.args["ip"] } });
  // Sent again under its id, it gets what is still there for it, and keeps that.
  bench.site.awaited.add("request-2");
  const rest = all.slice(2);
  const again = await start(bench, rest, sent);
  for (const name of rest) {
    deepStrictEqual(ipOf(again, name), ipOf(given, name));
  }
}

Deno.test("uipmgr: a database that is not there refuses a start, and says which", async () => {
  await using server = await PostgresServer.start();
  await server.dir.write("pw", "wrong-secret");
  const { host, port, user } = server.login;
  const options = {
    ranges: RANGES,
    dfltrange: "lab",
    server: host,
    port,
    db_name: "postgres",
    mgrname: user,
    mgrpw_file: `${server.dir.path}/pw`,
  };
  await using bench = await onBench(uipmgr, { options });
  const failure = await start(bench, ["a.lab.ann"]).catch(String);
  match(String(failure), /Cannot use PostgreSQL at 127.0.0.1:\d+: password/);
  ok(!String(failure).includes("wrong-secret"));
  await server.down();
  await rejects(start(bench, ["a.lab.ann"]), /Cannot use PostgreSQL/);
});

const SITE = {
  version: "0.0.0",
  epoch: 1,
  nameSuffix: "vm.test",
  startedAt: "2026-01-01T00:00:00.000Z",
};
const PROBLEM = {
  type: "about:blank",
  title: "",
  status: 500,
  detail: "",
  code: "driver_failed",
  retry: "no",
  outcome: "none",
};
const ASKED_LIST = { ...EXAMPLE_ASKED, names: [], filter: "" };
