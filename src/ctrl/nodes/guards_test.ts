/**
 * A node with a guard, as its controller has it: leases, guarded runs, and
 * what is said of those that were held.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Peer, world } from "../../../tests/support/peer.ts";
import { until } from "../../../tests/support/wait.ts";
import type { Vm } from "../../schema/vm.ts";

const WEB = {
  uid: "01hzzzzzzzzzzzzzzzzzzzzzz5",
  name: "web.default.ann",
  incarnation: "01a",
  generation: 1,
};

Deno.test("a beat that carries the node's time comes back as its lease", async () => {
  await using site = await world();
  using peer = new Peer(site.parts);
  peer.hello(site.secret, "boot", { domainCount: 0 });
  peer.domains([]);
  await peer.until("ready");
  const link = site.ctrl.links.link("n1");
  link.heardAt = -1;
  peer.say({ type: "beat" });
  peer.say({ type: "beat", at: 1234.5 });
  deepStrictEqual((await peer.until("lease") as { at?: number }).at, 1234.5);
  strictEqual(link.heardAt >= 0, true);
});

Deno.test("that a run is guarded is kept with its VM, for that run alone", async () => {
  await using site = await world();
  using peer = new Peer(site.parts);
  const guardOf = () =>
    site.ctrl.records.vms.get(WEB.uid)?.status.guard?.incarnation;
  peer.hello(site.secret, "boot", { domainCount: 1 });
  peer.domains([WEB]);
  await peer.until("ready");
  // Of another run, or of no VM here, it is not believed.
  peer.say({
    type: "guarded",
    domains: { [WEB.uid]: "01b", "01hzzzzzzzzzzzzzzzzzzzzzz6": "01c" },
  });
  peer.say({ type: "guarded", domains: { [WEB.uid]: "01a" } });
  await until("it is guarded", () => guardOf() === "01a");
  // Paused, it is the same run.
  peer.say({ type: "report", domains: [{ ...frame(), state: "paused" }] });
  await until("it is paused", () => stateOf(site) === "paused");
  strictEqual(guardOf(), "01a");
  // The next one is not guarded before the guard says so.
  peer.say({
    type: "report",
    domains: [{ ...frame(), state: "running", incarnation: "01b" }],
  });
  await until("it runs", () => stateOf(site) === "running");
  strictEqual(guardOf(), undefined);
  peer.say({ type: "guarded", domains: { [WEB.uid]: "01b" } });
  await until("it is guarded", () => guardOf() === "01b");
  peer.say({ type: "guarded", domains: {} });
  await until("it is no more", () => guardOf() === undefined);
});

Deno.test("a run that is told to be guarded before its VM's record has it is noted with a later beat", async () => {
  await using site = await world();
  using peer = new Peer(site.parts);
  const guardOf = () =>
    site.ctrl.records.vms.get(WEB.uid)?.status.guard?.incarnation;
  peer.hello(site.secret, "boot", { domainCount: 1 });
  peer.domains([WEB]);
  await peer.until("ready");
  peer.say({ type: "guarded", domains: { [WEB.uid]: "01b" } });
  peer.say({
    type: "report",
    domains: [{ ...frame(), state: "running", incarnation: "01b" }],
  });
  await until("it runs", () => stateOf(site) === "running");
  await until("it is guarded", () => {
    peer.say({ type: "beat", at: 1 });
    return guardOf() === "01b";
  });
  // What was told before a session began, nobody knows any more.
  peer.say({ type: "guarded", domains: { [WEB.uid]: "01c" } });
  const link = site.ctrl.links.link("n1");
  await until("it is told", () => link.lateRuns.size === 1);
  using next = new Peer(site.parts);
  next.hello(site.secret, "boot", { domainCount: 0 });
  next.domains([]);
  await next.until("ready");
  strictEqual(link.lateRuns.size, 0);
});

Deno.test("of held runs those go on whose VMs are still the node's", async () => {
  await using site = await world();
  using peer = new Peer(site.parts);
  const others = {
    ...WEB,
    uid: "01hzzzzzzzzzzzzzzzzzzzzzz6",
    name: "db.default.ann",
  };
  peer.hello(site.secret, "boot", { domainCount: 2 });
  peer.domains([{ ...WEB, state: "paused", held: true }, others]);
  await peer.until("ready");
  const web = site.ctrl.records.vms.get(WEB.uid)!;
  deepStrictEqual([web.status.state, web.status.last], ["paused", "running"]);
  const db = site.ctrl.records.vms.get(others.uid)!;
  await site.ctrl.records.write([{
    kind: "vm",
    key: db.uid,
    value: { ...db, node: "n2" } satisfies Vm,
  }]);
  peer.say({
    type: "held",
    domains: {
      [WEB.uid]: "01a",
      [others.uid]: "01a",
      "01hzzzzzzzzzzzzzzzzzzzzzz7": "01a",
    },
  });
  deepStrictEqual((await peer.until("release") as { uids?: string[] }).uids, [
    WEB.uid,
  ]);
});

function frame() {
  return {
    driver: "sim",
    domain: "d",
    reason: "",
    ...WEB,
  };
}

function stateOf(site: Awaited<ReturnType<typeof world>>): string | undefined {
  return site.ctrl.records.vms.get(WEB.uid)?.status.state;
}
