/**
 * The largest request that may be asked: 10,000 VMs, placed as one decision,
 * durable as a whole, with an outcome each.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Result } from "../../src/schema/operation.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

async function ended(site: TestSite, request: string): Promise<Result> {
  return await until("the request is done", async () => {
    const { body } = await site.call<Result>("GET", `/v1/requests/${request}`);
    return body.done ? body : null;
  }, { deadlineMs: 1_200_000, everyMs: 1000 });
}

Deno.test("10,000 VMs in one request, started, listed and destroyed", async () => {
  await using site = await TestSite.start({
    nodes: 2,
    lnm: { capacity: { cpus: 10_000, memory: "1TiB" } },
  });
  const asked: [string, string, object][] = [
    ["start", "web", { count: 10_000, spec: { memoryMiB: 16 } }],
    ["poweroff", "web-*", {}],
    ["destroy", "web-*", {}],
  ];
  for (const [verb, name, more] of asked) {
    const began = performance.now();
    const { request } = await site.submit(verb, name, { ...more });
    const accepted = performance.now() - began;
    const { outcomes } = await ended(site, request);
    strictEqual(new Set(outcomes.map(({ vm }) => vm)).size, 10_000);
    deepStrictEqual(
      outcomes.filter(({ state }) => state !== "succeeded"),
      [],
    );
    if (verb === "start") {
      const on = Map.groupBy(outcomes, ({ node }) => node);
      deepStrictEqual([...on.values()].map((its) => its.length), [5000, 5000]);
    }
    console.log(
      `10,000 times ${verb}: durable after ${
        Math.round(accepted)
      } ms, done after ${Math.round(performance.now() - began)} ms`,
    );
  }
});
