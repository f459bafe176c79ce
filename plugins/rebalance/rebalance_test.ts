import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { UsherError } from "../../src/error/mod.ts";
import type { NodeView, VmView } from "../../src/schema/change.ts";
import { type Bench, onBench } from "../../tests/support/plugin_bench.ts";
import { aNode, aVm } from "../../tests/support/plugin_values.ts";
import { look, type Measure } from "./survey.ts";

const REST = {
  diskRead: null,
  diskWrite: null,
  netRx: null,
  netTx: null,
};

function load(value: number) {
  return { m1: value, m5: value, m15: value };
}

function node(name: string, cpu: number, more: Partial<NodeView> = {}) {
  return aNode(name, {
    usage: { cpu: load(cpu), memoryMiB: 100, ...REST },
    drivers: [{
      name: "sim",
      health: "healthy",
      reason: "",
      version: "",
      attributes: {},
      abilities: ["migration"],
    }],
    ...more,
  });
}

function vm(name: string, its: string, more: Partial<VmView> = {}): VmView {
  const base = aVm(`${name}.lab.ann`);
  return {
    ...base,
    node: its,
    spec: { ...base.spec, driver: "sim" },
    usage: { cpu: load(1), memoryMiB: 50, ...REST },
    ...more,
  };
}

const NODES = [node("n1", 3.5), node("n2", 0)];
const VMS = [vm("a", "n1"), vm("b", "n1"), vm("c", "n1")];

function bench(
  options: Record<string, unknown> = {},
  vms: readonly VmView[] = VMS,
  nodes: readonly NodeView[] = NODES,
): Promise<Bench> {
  return onBench(import("./plugin.ts"), { options, vms, nodes });
}

async function movesOf(on: Promise<Bench>): Promise<string[]> {
  await using its = await on;
  await its.call("periodic", []);
  return its.site.requests.map(({ params: { request } }) =>
    `${request.names.join()} ${"to" in request ? request.to : ""}`
  );
}

Deno.test("rebalance files migrations, and says why", async () => {
  await using its = await bench();
  await its.call("periodic", [], { decision: "d1" });
  const filed = its.site.requests.map(({ params }) => params);
  deepStrictEqual(
    filed.map(({ request, key }) => [request.verb, request.names, key]),
    [
      ["migrate", ["a.lab.ann"], "a.lab.ann"],
      ["migrate", ["b.lab.ann"], "b.lab.ann"],
    ],
  );
  match(
    its.lines[0]?.text ?? "",
    /^moves a\.lab\.ann from n1 to n2: n1 from 88 % to 63 %, n2 from 1 % to 25 %/,
  );
  const last = its.site.state.get("last plan") as Record<string, unknown>;
  strictEqual((last.moves as unknown[]).length, 2);
  strictEqual(last.dry_run, false);
});

Deno.test("rebalance does nothing when it only tries, and tells it all the same", async () => {
  await using its = await bench({ dry_run: true });
  await its.call("periodic", []);
  strictEqual(its.site.requests.length, 0);
  match(its.lines[0]?.text ?? "", /^would move a\.lab\.ann/);
  strictEqual(
    [...its.site.state.keys()].some((it) => /^moved/.test(it)),
    false,
  );
});

Deno.test("rebalance keeps within its budgets, over restarts", async () => {
  strictEqual((await movesOf(bench({ moves_per_run: 1 }))).length, 1);
  await using its = await bench({ moves_per_hour: 1, settle: "0s" });
  await its.call("periodic", [], { decision: "d1" });
  await its.call("periodic", [], { decision: "d2" });
  strictEqual(its.site.requests.length, 1);
  // An hour later.
  its.site.state.set("moved/d1/0", {
    at: Date.now() - 3_600_000,
    uid: VMS[0]!.uid,
  });
  await its.call("periodic", [], { decision: "d3" });
  strictEqual(its.site.requests.length, 2);
});

Deno.test("rebalance waits until moves have settled, and while VMs are on their way", async () => {
  await using its = await bench({ moves_per_run: 1 });
  await its.call("periodic", []);
  await its.call("periodic", []);
  strictEqual(its.site.requests.length, 1);
  match(its.lines.at(-1)?.text ?? "", /have not settled/);
  const status = { ...VMS[0]!.status, state: "migrating" as const };
  deepStrictEqual(
    await movesOf(bench({}, [...VMS, vm("d", "n1", { status })])),
    [],
  );
});

Deno.test("rebalance leaves a VM alone that it has just moved", async () => {
  await using its = await bench({ settle: "1s", moves_per_run: 1 });
  const at = Date.now() - 60_000;
  its.site.state.set("moved/d0/0", { at, uid: VMS[0]!.uid });
  await its.call("periodic", []);
  deepStrictEqual(
    its.site.requests.map(({ params }) => params.request.names[0]),
    ["b.lab.ann"],
  );
});

Deno.test("rebalance moves only what is surely as it is shown", async () => {
  const spec = VMS[0]!.spec;
  const disk = {
    path: "/srv/a.img",
    format: "raw" as const,
    readonly: false,
    shared: false,
  };
  const status = { ...VMS[0]!.status, state: "paused" as const };
  const stuck: readonly [string, Partial<VmView>][] = [
    ["held", { holder: "01op" }],
    ["found", { found: true }],
    ["unconfirmed", { unconfirmed: true }],
    ["not running", { status }],
    ["no usage", { usage: null }],
    ["own disk", { spec: { ...spec, disks: [disk] } }],
  ];
  for (const [why, more] of stuck) {
    deepStrictEqual(await movesOf(bench({}, [vm("a", "n1", more)])), [], why);
  }
  const shared = { spec: { ...spec, disks: [{ ...disk, shared: true }] } };
  strictEqual((await movesOf(bench({}, [vm("a", "n1", shared)]))).length, 1);
  const own = { spec: { ...spec, disks: [disk] } };
  const bound = bench({ move_disks: true }, [vm("a", "n1", own)]);
  strictEqual((await movesOf(bound)).length, 1);
  deepStrictEqual(await movesOf(bench({ leave: ["*.lab"] })), []);
});

Deno.test("rebalance respects drains, silence and nodes that tell nothing", async () => {
  const [busy] = NODES as [NodeView];
  const shut: readonly Partial<NodeView>[] = [
    { draining: true },
    { state: "silent" },
    { usage: null },
  ];
  for (const more of shut) {
    const others = [busy, node("n2", 0, more)];
    deepStrictEqual(await movesOf(bench({}, VMS, others)), []);
  }
});

Deno.test("rebalance says once why nothing moves though nodes are uneven", async () => {
  await using its = await bench({ leave: ["*.lab"] });
  const told = () =>
    its.lines.filter(({ level }) => level === "info").map(({ text }) => text);
  for (let i = 0; i < 3; i++) await its.call("periodic", []);
  deepStrictEqual(told(), [
    "the busiest node lies 43 % above the mean, but no move makes it better; 3 stay: the options leave it",
  ]);
  its.site.vms = VMS.slice(1);
  await its.call("periodic", []);
  strictEqual(told().length, 2);
});

Deno.test("rebalance goes on when one of its moves cannot be filed", async () => {
  await using its = await bench();
  const failure = new UsherError("permission_denied", "Not granted");
  its.site.failing.set("request", failure);
  await its.call("periodic", []);
  strictEqual(its.lines.filter(({ level }) => level === "warn").length, 2);
});

Deno.test("rebalance looks in a large site at the nodes that matter alone", async () => {
  await lookAtMany("machine", 48);
});

Deno.test("rebalance looks at every node when its VMs alone tell how busy it is", async () => {
  await lookAtMany("vms", 60);
});

Deno.test("rebalance measures machines or VMs, as it is told", async () => {
  const even = [node("n1", 2), node("n2", 2)];
  deepStrictEqual(await movesOf(bench({}, VMS, even)), []);
  const byVms = bench({ measure: "vms" }, VMS, even);
  strictEqual((await movesOf(byVms))[0], "a.lab.ann n2");
});

async function lookAtMany(measure: Measure, nodesLooked: number) {
  const nodes = Array.from(
    { length: 60 },
    (_, i) => node(`n${i}`, i / 20, { vms: 10 }),
  );
  const asked: string[] = [];
  const seen = await look(
    {
      nodes: {
        list: () => Promise.resolve(nodes),
        get: () => Promise.resolve(null),
      },
      vms: {
        list(filter) {
          asked.push(filter?.node ?? "all");
          return Promise.resolve([]);
        },
        get: () => Promise.resolve(null),
        isAwaited: () => Promise.resolve(false),
      },
    },
    { window: "m5", measure },
    500,
  );
  strictEqual(asked.length, nodesLooked);
  strictEqual(asked.includes("all"), false);
  strictEqual(seen.isLooked("n59"), true);
  strictEqual(seen.isLooked("n0"), true);
  strictEqual(seen.isLooked("n40"), measure === "vms");
}

Deno.test("rebalance says where its options are wrong", async () => {
  await rejects(bench({ start_above: 2 }), /a share of a node/);
  await rejects(
    bench({ start_above: 0.1, stop_below: 0.2 }),
    /must not be above start_above/,
  );
  await rejects(bench({ leave: ["[x"] }), /no pattern of names/);
});
