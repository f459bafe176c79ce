/**
 * usher in the dom0 of a real Xen: the executable alone is copied there, and
 * joins a controller outside with a token.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { whyNoXenLab } from "../support/xen_host.ts";
import { XenSite } from "../support/xen_site.ts";

Deno.test({
  name:
    "a dom0 becomes a node with the executable alone, and is one again when its node was killed",
  ignore: whyNoXenLab() !== undefined,
  async fn() {
    await using site = await XenSite.start({
      drivers: { sim: { enabled: true } },
    });
    const { host } = site;
    await site.usher("vm", "start", "web", "--driver", "sim");
    strictEqual(await site.host.must("ls /usr/local/bin"), "usher");

    await site.killLnm(host);
    await site.startLnm(host);

    await site.ctrl.untilReady(host.name);
    match(await site.usher("vm", "list"), /web\S+ +running +xen1 /);
  },
});
