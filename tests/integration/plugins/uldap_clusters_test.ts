/**
 * `uldap` and the branches of many clusters: over one connection, and further
 * from where it was when that ends.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { Proxy } from "../../support/proxy.ts";
import { SlapdServer } from "../../support/slapd_server.ts";
import {
  benchFor,
  cluster,
  failures,
  LDIF,
} from "../../support/uldap_bench.ts";

const CLUSTERS = Array.from(
  { length: 120 },
  (_, i) => cluster(`c${String(i).padStart(3, "0")}.bob`, "bob", "ann"),
);

Deno.test("uldap: branches of many clusters are compared over one connection, and go on after a cut", async () => {
  await using slapd = await SlapdServer.start(LDIF);
  await slapd.dir.write("service", "service-secret");
  await using proxy = new Proxy(slapd.port);
  await using bench = await benchFor(slapd, { port: proxy.port });
  bench.site.clusters = CLUSTERS;
  const next = () => bench.site.scheduled.get("compare")?.params;

  // Some are compared, and then the connection ends.
  proxy.cutAfter(40_000);
  await bench.call("ctrl_start", [{}]);
  match(failures(bench), /branches of clusters are compared again in 30 s/);
  const [name, from = ""] = next()?.args ?? [];
  deepStrictEqual([next()?.when, name], [30_000, ""]);
  ok(CLUSTERS.some((one) => one.name === from), `it goes on after "${from}"`);
  ok(from !== CLUSTERS.at(-1)?.name);

  proxy.open();
  const before = proxy.accepted;
  let calls = 0;
  for (let its = next(); its !== undefined; its = next()) {
    await bench.call("uldap_retry", its.args);
    calls++;
  }
  deepStrictEqual(proxy.accepted - before, calls);
  const admins = await slapd.find("ou=clusters,dc=test", "(cn=admin)", "1.1");
  deepStrictEqual(admins.length, CLUSTERS.length);
});
