/**
 * Requests: names, ids, refusals, and what they leave behind.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { Problem } from "../../src/schema/problem.ts";
import { TestSite } from "../support/site.ts";

Deno.test("requests: bad input is refused with the field, and leaves nothing", async (t) => {
  await using site = await TestSite.start();
  await site.run("start", "web-2");
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ["no VM", { verb: "start", names: [] }, /names/],
    ["a count of 0", { verb: "start", names: ["web"], count: 0 }, /1 at least/],
    [
      "a count of 10,001",
      { verb: "start", names: ["web"], count: 10_001 },
      /10000 at most/,
    ],
    [
      "a malformed name",
      { verb: "start", names: ["Web_1"] },
      /lower-case DNS label/,
    ],
    [
      "four parts",
      { verb: "start", names: ["a.b.c.d"] },
      /more than three parts/,
    ],
    ["a malformed size", {
      verb: "start",
      names: ["web"],
      spec: { memoryMiB: "4GB5" },
    }, /"4GB5" is no size/],
    ["arguments of single VMs", {
      verb: "start",
      names: ["web"],
      vmArgs: { "web.default.ann": { ip: "10.0.0.1" } },
    }, /set by plugins alone/],
    [
      "an unknown field",
      { verb: "start", names: ["web"], memory: 1 },
      /Unrecognized key/,
    ],
    ["an unknown verb", { verb: "strat", names: ["web"] }, /verb/i],
    [
      "an unknown VM",
      { verb: "pause", names: ["wbe-2"] },
      /There is no VM "wbe-2"/,
    ],
    [
      "a count with two names",
      { verb: "start", names: ["a", "b"], count: 2 },
      /exactly one name/,
    ],
    ["an unknown driver", {
      verb: "start",
      names: ["web"],
      spec: { driver: "smi" },
    }, /There is no driver "smi"/],
    [
      "a grace that no timer can wait for",
      { verb: "shutdown", names: ["web-2"], graceMs: "40d" },
      /"graceMs": must be 7d at most/,
    ],
    ["a bad request id", { id: "x", verb: "start", names: ["web"] }, /8 to 64/],
  ];
  for (const [name, body, expected] of cases) {
    await t.step(name, async () => {
      const { status, body: problem } = await site.call<Problem>(
        "POST",
        "/v1/requests",
        body,
      );
      strictEqual(status >= 400 && status < 500, true, `status ${status}`);
      match(problem.detail, expected);
    });
  }
  const { body } = await site.call<{ vms: { name: string }[] }>(
    "GET",
    "/v1/vms",
  );
  deepStrictEqual(body.vms.map(({ name }) => name), ["web-2.default.admin"]);
});

Deno.test("requests: an unknown VM is answered with the nearest name", async () => {
  await using site = await TestSite.start();
  await site.run("start", "web-2");
  const problem = await site.refusal("pause", ["wbe-2"]);
  match(problem.hint ?? "", /"web-2"/);
});

Deno.test("requests: an unknown node is answered with the nearest name", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  const problem = await site.refusal("start", ["web"], { on: "m2" });
  strictEqual(problem.code, "not_found");
  match(problem.hint ?? "", /"n2"/);
});

Deno.test("requests: the same id again returns the same operations", async () => {
  await using site = await TestSite.start();
  const body = {
    id: "a-request-id-1",
    verb: "start",
    names: ["web"],
    count: 3,
  };
  const [first, second, third] = await Promise.all([
    site.call<{ outcomes: { operation: string }[] }>(
      "POST",
      "/v1/requests",
      body,
    ),
    site.call<{ outcomes: { operation: string }[] }>(
      "POST",
      "/v1/requests",
      body,
    ),
    site.call<{ outcomes: { operation: string }[] }>(
      "POST",
      "/v1/requests",
      body,
    ),
  ]);
  const ids = first.body.outcomes.map(({ operation }) => operation);
  strictEqual(ids.length, 3);
  deepStrictEqual(second.body.outcomes.map(({ operation }) => operation), ids);
  deepStrictEqual(third.body.outcomes.map(({ operation }) => operation), ids);
  const other = await site.call<Problem>("POST", "/v1/requests", {
    ...body,
    count: 4,
  });
  deepStrictEqual([other.status, other.body.code], [409, "already_exists"]);
});

Deno.test("requests: globs of one, two and three labels, and id prefixes", async () => {
  await using site = await TestSite.start();
  await site.run("start", ["a1", "a2.lab", "b1.lab"]);
  const names = async (pattern: string) => {
    const { body } = await site.call<{ vms: { name: string }[] }>(
      "GET",
      `/v1/vms?names=${encodeURIComponent(pattern)}`,
    );
    return body.vms.map(({ name }) => name.split(".")[0]);
  };
  deepStrictEqual(await names("a*"), ["a1", "a2"]);
  deepStrictEqual(await names("*.lab"), ["a2", "b1"]);
  deepStrictEqual(await names("?1.*.adm*"), ["a1", "b1"]);
  const { uid } = await site.vm("b1.lab");
  strictEqual((await site.vm(uid)).name, "b1.lab.admin");
  strictEqual(
    (await site.vm("a2")).name,
    "a2.lab.admin",
    "a short name that is unique among the caller's own",
  );
});

Deno.test("requests: filters choose by state, node and name", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  await site.run("start", "web", { count: 4 });
  await site.run("pause", "web-1");
  const { body } = await site.call<{ vms: { name: string }[] }>(
    "GET",
    "/v1/vms?filter=state%3Dpaused",
  );
  deepStrictEqual(body.vms.map(({ name }) => name), ["web-1.default.admin"]);
  const wrong = await site.call<Problem>("GET", "/v1/vms?filter=stat%3Dpaused");
  strictEqual(wrong.status, 400);
  match(wrong.body.hint ?? "", /state/);
});

Deno.test("requests: memory larger than any node could not be placed, node by node", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  const [outcome] =
    (await site.run("start", "huge", { spec: { memoryMiB: "60TiB" } }))
      .outcomes;
  strictEqual(outcome?.problem?.code, "insufficient_resources");
  deepStrictEqual(Object.keys(outcome.problem.refusals ?? {}), ["n1", "n2"]);
  strictEqual(
    (await site.call("GET", "/v1/vms/huge")).status,
    404,
    "it is not registered either",
  );
});

Deno.test("requests: an existing VM described otherwise is a mistake", async () => {
  await using site = await TestSite.start();
  await site.run("start", "web", { spec: { memoryMiB: 512 } });
  strictEqual(
    (await site.run("start", "web", { spec: { memoryMiB: "512MiB" } }))
      .outcomes[0]?.changed,
    false,
  );
  const problem = await site.refusal("start", ["web"], {
    spec: { memoryMiB: 1024 },
  });
  deepStrictEqual([problem.code, problem.field], [
    "already_exists",
    "spec.memoryMiB",
  ]);
});

Deno.test("requests: a body that is no JSON, no UTF-8 or too large is refused", async () => {
  await using site = await TestSite.start();
  const garbage = await site.call<Problem>("POST", "/v1/requests", "{half");
  deepStrictEqual([garbage.status, garbage.body.code], [400, "invalid_input"]);
  const large = await site.call<Problem>(
    "POST",
    "/v1/requests",
    `{"x":"${"y".repeat(5_000_000)}"}`,
  );
  match(large.body.detail, /larger than/);
  const bytes = new Uint8Array([0x22, 0xff, 0xfe, 0x22]);
  const response = await site.client.fetch(`${site.site.url}/v1/requests`, {
    method: "POST",
    headers: { authorization: `Bearer ${site.site.token}` },
    body: bytes,
  });
  match((await response.json()).detail, /UTF-8/);
});
