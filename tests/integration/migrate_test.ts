/**
 * Migration on a whole site of simulated nodes, from the API to the domains.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { TestSite } from "../support/site.ts";

Deno.test("migrate moves a running VM to another node, where the same run goes on", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  await site.run("start", "web", { on: "n1" });
  const before = await site.vm("web");
  const { outcomes: [outcome] } = await site.run("migrate", "web");
  deepStrictEqual(
    [outcome?.state, outcome?.changed, outcome?.problem],
    ["succeeded", true, null],
  );
  const after = await site.vm("web");
  deepStrictEqual(
    [after.node, after.status.state, after.status.incarnation],
    ["n2", "running", before.status.incarnation],
  );
  const operation = await site.operation(outcome?.operation ?? "");
  deepStrictEqual([operation.from, operation.to, operation.step], [
    "n1",
    "n2",
    null,
  ]);
  match(operation.begun.join(" "), /^place offer receive send switch release$/);
  ok(site.site.controller.site.records.vms.size === 1);
  strictEqual((await site.run("pause", "web")).outcomes[0]?.state, "succeeded");
});
