/**
 * A node that is let in, or is not: what is noted of it, and what it tells.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { Peer, world } from "../../../tests/support/peer.ts";
import { until } from "../../../tests/support/wait.ts";

Deno.test("a node whose secret is wrong is turned away, and that is noted without it", async () => {
  await using site = await world();
  for (const name of ["n1", "n7"]) {
    using peer = new Peer(site.parts);
    peer.hello("a guess", "boot", { name });
    match(
      (await peer.until("bye")).reason ?? "",
      /is unknown here, or its secret is wrong/,
    );
  }
  using peer = new Peer(site.parts);
  peer.hello(site.secret);
  await peer.until("welcome");
  deepStrictEqual(
    site.noted.map(({ via, verb, names, decision, code }) =>
      [via, verb, ...names, decision, code].join(" ")
    ),
    ["n1 ", "n7 "].map((name) =>
      `node lnm_authenticate ${name}refused unauthenticated`
    ),
  );
  ok(!JSON.stringify(site.noted).includes("a guess"));
});

Deno.test("a node tells with its usage when its certificate ends", async () => {
  await using site = await world();
  using peer = new Peer(site.parts);
  peer.hello(site.secret);
  await peer.until("welcome");
  peer.domains([]);
  const link = site.ctrl.links.link("n1");
  const nothing = {
    ...{ cpu: null, memoryMiB: null, diskRead: null, diskWrite: null },
    ...{ netRx: null, netTx: null },
  };
  const usage = { type: "usage", node: nothing, vms: {} };
  peer.say({ ...usage, certificateEnd: 1234 });
  await until("it is known", () => link.certificateEnd === 1234);
  // The second of several frames says nothing of it.
  peer.say({ ...usage, first: false, vms: { u: nothing } });
  await until("it is read", () => link.vmUsage.size === 1);
  strictEqual(link.certificateEnd, 1234);
});
