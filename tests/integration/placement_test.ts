/**
 * Placement on a whole site: where VMs go, what keeps them from a node, and
 * what is said when nothing takes them.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { NodeView } from "../../src/schema/change.ts";
import type { Result } from "../../src/schema/operation.ts";
import type { Problem } from "../../src/schema/problem.ts";
import { TestSite } from "../support/site.ts";

/** Nodes of so many MiB each. */
function small(memory: number, more: Record<string, unknown> = {}) {
  const overcommit = { memory: 1, cpus: 16 };
  return { capacity: { cpus: 4, memory }, overcommit, ...more };
}

function nodesOf({ outcomes }: Result): (string | null)[] {
  return outcomes.map(({ node }) => node);
}

function problemOf({ outcomes }: Result, i = 0): Problem {
  const problem = outcomes[i]?.problem;
  if (problem == null) throw new Error(`nothing failed: ${outcomes[i]?.state}`);
  return problem;
}

async function node(site: TestSite, name: string): Promise<NodeView> {
  return (await site.call<NodeView>("GET", `/v1/nodes/${name}`)).body;
}

Deno.test("placement: 20 VMs that keep apart get one node each, in one request", async () => {
  await using site = await TestSite.start({ nodes: 20, lnm: small(1024) });
  const spec = { placement: { apartFrom: ["web-*"] } };
  const result = await site.run("start", "web", { count: 20, spec });
  strictEqual(new Set(nodesOf(result)).size, 20);
  const more = await site.run("start", "web-21", { spec });
  const problem = problemOf(more);
  strictEqual(problem.code, "insufficient_resources");
  deepStrictEqual(
    problem.refusedBy?.map(({ filter, nodes, nearest }) => [
      filter,
      nodes,
      nearest.length,
    ]),
    [["apart", 20, 3]],
  );
  match(problem.hint ?? "", /^on n1, move web-\d+ away$/);
  // The other way round: those that are there keep the newcomer away, too.
  const shy = await site.run("start", "web-99");
  strictEqual(problemOf(shy).refusedBy?.[0]?.filter, "apart");
});

Deno.test("placement: VMs that must be together are, in one request and after it", async () => {
  await using site = await TestSite.start({ nodes: 3, lnm: small(1024) });
  await site.run("register", "db", { spec: { memoryMiB: 600 } });
  await site.run("register", "app", {
    spec: { memoryMiB: 400, placement: { togetherWith: ["db"] } },
  });
  const both = await site.run("start", ["app", "db"]);
  deepStrictEqual(nodesOf(both), ["n1", "n1"]);
  const late = await site.run("start", "late", {
    spec: { placement: { togetherWith: ["db"] } },
  });
  deepStrictEqual(problemOf(late).refusedBy?.map(({ filter }) => filter), [
    "together",
    "memory",
  ]);
});

Deno.test("placement: labels, overcommit and strategy are as they were configured", async () => {
  await using site = await TestSite.start({
    nodes: 2,
    ctrl: { placement: { strategy: "pack" } },
    lnm: small(1024, {
      labels: { zone: "a" },
      overcommit: { memory: 1.5, cpus: 1 },
    }),
  });
  const packed = await site.run("start", "web", {
    count: 3,
    spec: { memoryMiB: 512, placement: { nodeLabels: { zone: "a" } } },
  });
  deepStrictEqual(nodesOf(packed), ["n1", "n1", "n1"]);
  const { overcommit, allocatedMiB, labels } = await node(site, "n1");
  deepStrictEqual([overcommit, allocatedMiB, labels], [
    { memory: 1.5, cpus: 1 },
    1536,
    { zone: "a" },
  ]);
  const elsewhere = await site.run("start", "b", {
    spec: { placement: { nodeLabels: { zone: "b" } } },
  });
  match(
    problemOf(elsewhere).refusals?.n1 ?? "",
    /label zone is "a", not "b".*; needs 256 MiB more: 0 of 1536 MiB are free/,
  );
  const wide = await site.run("start", "wide", { spec: { vcpus: 5 } });
  match(
    problemOf(wide).refusals?.n2 ?? "",
    /^needs 1 vcpus more: 4 of 4 vcpus are free; ask for 4 vcpus or fewer$/,
  );
});

Deno.test("placement: 1,000 VMs in one request are placed as one decision", async () => {
  await using site = await TestSite.start({ nodes: 4, lnm: small(16 * 250) });
  const spec = { memoryMiB: 16 };
  // Vcpus are promised 16 times over, to 4 processors: 64 VMs of a node's 250.
  const few = await site.run("start", "few", { count: 256, spec });
  const each = ["n1", "n2", "n3", "n4"].map((name) =>
    nodesOf(few).filter((it) => it === name).length
  );
  deepStrictEqual(each, [64, 64, 64, 64]);
  const many = await site.run("start", "many", { count: 1000, spec });
  strictEqual(many.outcomes.every(({ state }) => state === "failed"), true);
  deepStrictEqual(problemOf(many, 999).refusedBy?.map((it) => it.filter), [
    "vcpus",
  ]);
  await site.run("destroy", "few*");
  await using large = await TestSite.start({
    nodes: 4,
    lnm: { capacity: { cpus: 64, memory: 16 * 250 } },
  });
  const all = await large.run("start", "web", { count: 1000, spec });
  deepStrictEqual(
    ["n1", "n2", "n3", "n4"].map((name) =>
      nodesOf(all).filter((it) => it === name).length
    ),
    [250, 250, 250, 250],
  );
});

Deno.test("placement: what could never be placed is refused with its field", async () => {
  await using site = await TestSite.start();
  const cases: [Record<string, unknown>, string, RegExp][] = [
    [
      { apartFrom: ["web["] },
      "spec.placement.apartFrom",
      /^Cannot read the pattern "web\["/,
    ],
    [
      { togetherWith: ["a.b.c.d"] },
      "spec.placement.togetherWith",
      /more than three parts/,
    ],
    [
      { togetherWith: ["db"], apartFrom: ["db"] },
      "spec.placement",
      /cannot be apart from "db" and together with it/,
    ],
  ];
  for (const [placement, field, message] of cases) {
    const problem = await site.refusal("start", ["web"], {
      spec: { placement },
    });
    deepStrictEqual([problem.code, problem.field], ["invalid_input", field]);
    match(problem.detail, message);
  }
});

Deno.test("placement: an owner may have so many patterns with wildcards, and no more", async () => {
  await using site = await TestSite.start();
  const spec = (from: number, count: number) => ({
    placement: {
      apartFrom: Array.from({ length: count }, (_, i) => `x${from + i}-*`),
    },
  });
  await site.run("register", "a", { spec: spec(0, 32) });
  await site.run("register", "b", { spec: spec(32, 32) });
  await site.run("register", "c", { spec: spec(16, 32) });
  const problem = await site.refusal("register", ["d"], { spec: spec(64, 1) });
  deepStrictEqual([problem.code, problem.field], [
    "invalid_input",
    "spec.placement",
  ]);
  match(problem.detail, /may have 64 with wildcards$/);
  await site.run("unregister", "b");
  strictEqual(
    (await site.run("register", "d", { spec: spec(64, 1) })).outcomes[0]?.state,
    "succeeded",
  );
});

Deno.test("placement: a VM that was registered on a node starts there, or nowhere", async () => {
  await using site = await TestSite.start({ nodes: 3, lnm: small(1024) });
  await site.run("register", ["web", "bad"], { on: "n2" });
  const other = await site.refusal("register", ["web"], { on: "n3" });
  deepStrictEqual([other.code, other.detail], [
    "already_exists",
    'VM "web.default.admin" exists already, on node n2',
  ]);
  await site.run("register", "web", { on: "n2" });
  deepStrictEqual(nodesOf(await site.run("start", "web")), ["n2"]);
  const unknown = await site.refusal("register", ["x"], { on: "n9" });
  strictEqual(unknown.code, "not_found");
  await site.run("register", "broken", {
    on: "n2",
    spec: { sim: { startError: "no disk" } },
  });
  const failed = await site.run("start", "broken");
  strictEqual(problemOf(failed).code, "driver_failed");
  const { body } = await site.call<{ node: string }>("GET", "/v1/vms/broken");
  strictEqual(body.node, "n2", "a start that failed does not set it free");
  await site.run("start", "bad", { on: "n1" });
  deepStrictEqual(nodesOf(await site.run("start", "bad")), ["n1"]);
});

Deno.test("placement: a VM that was off goes on where it lies, or says what is in the way", async () => {
  await using site = await TestSite.start({ nodes: 2, lnm: small(1024) });
  await site.run("start", "web", { on: "n1", spec: { memoryMiB: 600 } });
  await site.run("poweroff", "web");
  await site.run("start", "other", { on: "n1", spec: { memoryMiB: 600 } });
  const problem = problemOf(await site.run("start", "web"));
  deepStrictEqual([problem.detail, problem.hint], [
    'Cannot place VM "web.default.admin" on node n1',
    "on n1, ask for 424 MiB or fewer, or move other (600 MiB) away",
  ]);
  deepStrictEqual(Object.keys(problem.refusals ?? {}), ["n1"]);
});
