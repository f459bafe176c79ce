/**
 * usher on real Xen, in the lab that is built of Debian's packages: the
 * executable alone is copied into a dom0 and joins a controller outside; then a
 * life of VMs by the command line.
 *
 * One boot for all, since a host takes most of a minute; the steps stand in
 * the order of a life. What needs two hosts is in `hosts_long_test.ts`.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import {
  runSuite,
  stepOfSuite,
  suiteFiles,
} from "../support/xen_conformance.ts";
import { whyNoXenLab } from "../support/xen_host.ts";
import { LUCK, VERBS } from "../support/xen_life.ts";
import { XenSite } from "../support/xen_site.ts";

/**
 * Promises that the life does not show and that rest on what Xen itself does.
 * All of the suite takes half an hour here (`hosts_long_test.ts`), and on a
 * pretended host a minute.
 */
const CORE = new RegExp(
  [
    "a start that fails says so",
    "many starts of one uid at once",
    "whose handle was lost",
    "counters: of every",
  ].join("|"),
);

Deno.test({
  name: "xen: a life of VMs in a dom0 that the executable alone made a node",
  ignore: whyNoXenLab() !== undefined,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "usher_suite_" });
    try {
      const files = await suiteFiles(folder);
      await using site = await XenSite.start({ files });
      strictEqual(await site.host.must("ls /usr/local/bin"), "usher");
      for (const { name, run } of [...VERBS, ...LUCK]) {
        await t.step(name, () => run(site));
      }
      // The suite is its own LNM; another would look on, and cost its time.
      await site.killLnm(site.host);
      await runSuite(
        site.host,
        CORE,
        async (end) => void await stepOfSuite(t, end),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
