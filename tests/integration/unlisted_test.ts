/**
 * A driver that cannot tell what it runs: its VMs are out of sight, and have
 * not ended.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

Deno.test("unlisted: VMs of a driver that cannot be asked are as they were, and told when it can", async () => {
  let listError: string | undefined;
  await using site = await TestSite.start({
    ctrl: { node_lease: "1s" },
    lnm: () => ({
      drivers: { sim: listError === undefined ? {} : { listError } },
    }),
  });
  await site.run("start", "web");
  const before = await site.vm("web");
  await site.site.stopNode("n1");
  await site.untilState("web", "unknown");

  listError = "no such socket";
  await site.site.startNode("n1");

  await until("the node is ready", async () => {
    const { body } = await site.call<{ state: string }>("GET", "/v1/nodes/n1");
    return body.state === "ready";
  });
  const { status } = await site.vm("web");
  strictEqual(status.state, "unknown");
  match(
    status.reason,
    /^driver sim of node n1 cannot be asked \(it was running\)$/,
  );
  await site.site.stopNode("n1");
  listError = undefined;
  await site.site.startNode("n1");
  const after = await site.vm("web");
  deepStrictEqual([after.status.state, after.status.incarnation], [
    "running",
    before.status.incarnation,
  ]);
});
