/**
 * A node's session with nodes that are slow, doubled, or told too early.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { domain, Peer, world } from "../../../tests/support/peer.ts";
import { SIM_DRIVER } from "../../../tests/support/small_ctrl.ts";
import { until, within } from "../../../tests/support/wait.ts";

Deno.test("a session that only beats is ended when it has not said who it is", async () => {
  await using site = await world(300);
  using peer = new Peer(site.parts);
  const beats = setInterval(() => peer.say({ type: "unheard of" }), 20);
  try {
    match((await peer.until("bye")).reason ?? "", /within 0\.3 s/);
    await within("the end of the stream", 10_000, peer.done);
  } finally {
    clearInterval(beats);
  }
});

Deno.test("a session that never says what it runs is ended, though it beats", async () => {
  await using site = await world(3000);
  using peer = new Peer(site.parts);
  peer.hello(site.secret);
  await peer.until("welcome");
  const beats = setInterval(() => peer.say({ type: "beat" }), 20);
  try {
    await peer.until("bye");
  } finally {
    clearInterval(beats);
  }
  strictEqual(site.ctrl.links.link("n1").ready, false);
});

Deno.test("a session that has said all lives on past that time", async () => {
  await using site = await world(3000);
  using peer = new Peer(site.parts);
  peer.hello(site.secret);
  await peer.until("welcome");
  peer.domains([], false);
  peer.domains([]);
  const link = site.ctrl.links.link("n1");
  await until("the node is ready", () => link.ready);
  const since = performance.now();
  await until("the time is over", () => performance.now() - since > 3200);
  deepStrictEqual([link.ready, peer.heard.some(({ type }) => type === "bye")], [
    true,
    false,
  ]);
});

Deno.test("of two machines with one node's name the one that is connected stays", async () => {
  await using site = await world();
  using first = new Peer(site.parts);
  first.hello(site.secret, "boot of one");
  await first.until("welcome");
  using twin = new Peer(site.parts);
  twin.hello(site.secret, "boot of the other");
  match(
    (await twin.until("bye")).reason ?? "",
    /Node "n1" is connected from another machine/,
  );
  deepStrictEqual(
    site.noted.map(({ names, code }) => `${names} ${code}`),
    ["n1 already_exists"],
    "its secret is right, so somebody has copied it",
  );
  using again = new Peer(site.parts);
  again.hello(site.secret, "boot of one");
  await again.until("welcome");
  match((await first.until("bye")).reason ?? "", /a newer session/);
});

Deno.test("a node that speaks otherwise, or has more than it told of, is refused with the reason", async () => {
  await using site = await world();
  const refusals: [object, RegExp][] = [
    [{ protocol: 7 }, /speaks protocol 7, this controller 1/],
    [{ domainCount: 1e9 }, /1000000 at most are taken/],
  ];
  for (const [more, expected] of refusals) {
    using peer = new Peer(site.parts);
    peer.hello(site.secret, "boot", more);
    match((await peer.until("bye")).reason ?? "", expected);
  }
  using peer = new Peer(site.parts);
  peer.hello(site.secret, "boot", { domainCount: 1 });
  await peer.until("welcome");
  peer.domains([{ domain: "a" }, { domain: "b" }]);
  match((await peer.until("bye")).reason ?? "", /more domains than the 1/);
});

Deno.test("a domain that cannot be described keeps no node from being ready", async () => {
  await using site = await world();
  using peer = new Peer(site.parts);
  peer.hello(site.secret);
  await peer.until("welcome");
  peer.domains([
    { name: "Strange NAME!", domain: "a", vcpus: 0.4, memoryMiB: 1 },
    { name: "huge", domain: "b", vcpus: 4000, memoryMiB: 1e12 },
    { name: "odd", domain: "c", driver: "No Such Driver" },
    { name: "talks", domain: "d", reason: "x".repeat(100_000) },
    {
      name: "not.a.NAME",
      domain: "e",
      uid: "01hzzzzzzzzzzzzzzzzzzzzzz5",
    },
  ]);
  await until("the node is ready", () => site.ctrl.links.link("n1").ready);
  const vms = [...site.ctrl.records.vms.values()];
  deepStrictEqual(vms.map(({ name }) => name).toSorted(), [
    "huge.n1.found",
    "not-a-name.n1.found",
    "strange-name.n1.found",
    "talks.n1.found",
  ]);
  strictEqual(Math.max(...vms.map(({ status }) => status.reason.length)), 1000);
});

Deno.test("a report that the state has no room for is noted once there is", async () => {
  await using site = await world();
  const { ctrl } = site;
  using peer = new Peer(site.parts);
  peer.hello(site.secret);
  await peer.until("welcome");
  peer.domains([{ name: "web" }]);
  await until("the node is ready", () => ctrl.links.link("n1").ready);
  ctrl.store.fail({ times: 2 });
  peer.say({
    type: "report",
    domains: [domain({ name: "web", state: "crashed", reason: "by itself" })],
  });
  const link = ctrl.links.link("n1");
  await until("the report waits", () => link.unnoted.size === 1);
  const state = () => ctrl.records.byName("web.n1.found")?.status.state;
  await site.look().catch(() => {});
  strictEqual(state(), "running");
  await site.look();
  deepStrictEqual([state(), link.unnoted.size], ["crashed", 0]);
});

Deno.test("a report that waits to be written does not come after what an act answered since", async () => {
  await using site = await world();
  const { ctrl } = site;
  using peer = new Peer(site.parts);
  peer.hello(site.secret, "boot", { drivers: [SIM_DRIVER] });
  await peer.until("welcome");
  peer.domains([]);
  await until("the node is ready", () => ctrl.links.link("n1").ready);
  const id = await ctrl.submit({ verb: "start", names: ["web"] });
  const act = await peer.until("act") as unknown as { id: string; uid: string };
  const run = { uid: act.uid, incarnation: id, generation: 1 };
  ctrl.store.fail();
  peer.say({
    type: "report",
    domains: [domain({ ...run, state: "starting" })],
  });
  await until("the report could not be written", () => ctrl.store.failures > 0);
  peer.say({
    type: "result",
    id: act.id,
    problem: null,
    domain: domain({ ...run, state: "running" }),
  });
  await ctrl.reached(id, "succeeded");
  await site.look();
  strictEqual(ctrl.records.vms.get(act.uid)?.status.state, "running");
  strictEqual(ctrl.links.link("n1").unnoted.size, 0);
});

Deno.test("a loss that cannot be written is noted at the next look", async () => {
  await using site = await world();
  const { ctrl } = site;
  using peer = new Peer({ ...site.parts, leaseMs: 60_000 });
  peer.hello(site.secret);
  await peer.until("welcome");
  peer.domains([{ name: "web" }]);
  const link = ctrl.links.link("n1");
  await until("the node is ready", () => link.ready);
  peer[Symbol.dispose]();
  await until("the node is silent", () => link.session === null);
  await until(
    "that is noted",
    () => ctrl.records.nodes.get("n1")?.state === "silent",
  );
  link.silentSince = -1e9;
  ctrl.store.fail();
  await site.look().catch(() => {});
  strictEqual(ctrl.records.nodes.get("n1")?.state, "silent");
  await site.look();
  strictEqual(ctrl.records.nodes.get("n1")?.state, "lost");
  strictEqual(ctrl.records.byName("web.n1.found")?.status.state, "unknown");
});

Deno.test("a node that comes back while its loss is written keeps what it told", async () => {
  await using site = await world();
  const { ctrl } = site;
  const link = ctrl.links.link("n1");
  const come = async (peer: Peer): Promise<void> => {
    peer.hello(site.secret);
    await peer.until("welcome");
    peer.domains([{ name: "web" }]);
  };
  using peer = new Peer(site.parts);
  await come(peer);
  await until("the node is ready", () => link.ready);
  peer[Symbol.dispose]();
  await until(
    "its silence is noted",
    () => ctrl.records.nodes.get("n1")?.state === "silent",
  );
  link.silentSince = -1e9;
  ctrl.store.hold();
  const look = site.look();
  using again = new Peer(site.parts);
  await come(again);
  // It runs what it ran, so there is nothing to write: only that it is ready.
  await until(
    "its return is to be written",
    () => ctrl.records.nodes.latest("n1")?.state === "ready",
  );
  ctrl.store.release();
  await look;
  await until("the node is ready again", () => link.ready);
  strictEqual(ctrl.records.byName("web.n1.found")?.status.state, "running");
  strictEqual(ctrl.records.nodes.get("n1")?.state, "ready");
});

Deno.test("a report that tells of one domain twice is believed in its order", async () => {
  await using site = await world();
  const { ctrl } = site;
  using peer = new Peer(site.parts);
  peer.hello(site.secret);
  await peer.until("welcome");
  peer.domains([{ name: "web", state: "running" }]);
  await until("the node is ready", () => ctrl.links.link("n1").ready);
  peer.say({
    type: "report",
    domains: [
      domain({ name: "web", state: "starting" }),
      domain({ name: "web", state: "running" }),
      domain({ domain: "new", name: "new", state: "starting" }),
      domain({ domain: "new", name: "new", state: "paused" }),
    ],
  });
  await until("both are known", () => ctrl.records.byName("new.n1.found"));
  deepStrictEqual(
    ["web", "new"].map((name) =>
      ctrl.records.byName(`${name}.n1.found`)?.status.state
    ),
    ["running", "paused"],
  );
});

Deno.test("a report that came after a result is believed, though the result is written later", async () => {
  await using site = await world();
  const { ctrl } = site;
  using peer = new Peer(site.parts);
  peer.hello(site.secret, "boot", { drivers: [SIM_DRIVER] });
  await peer.until("welcome");
  peer.domains([]);
  await until("the node is ready", () => ctrl.links.link("n1").ready);
  const id = await ctrl.submit({ verb: "start", names: ["web"] });
  const act = await peer.until("act") as unknown as { id: string; uid: string };
  const run = { uid: act.uid, incarnation: id, generation: 1 };
  ctrl.store.fail();
  peer.say({
    type: "result",
    id: act.id,
    problem: null,
    domain: domain({ ...run, state: "running" }),
  });
  await until("the result could not be written", () => ctrl.store.failures > 0);
  peer.say({
    type: "report",
    domains: [domain({ ...run, state: "crashed", reason: "by itself" })],
  });
  strictEqual(
    (await ctrl.reached(id, "succeeded", "failed")).state,
    "succeeded",
  );
  deepStrictEqual(ctrl.records.vms.get(act.uid)?.status.state, "crashed");
});

Deno.test("a new boot proves that nothing of the old one runs", async () => {
  await using site = await world();
  const { records } = site.ctrl;
  const web = {
    uid: "01hzzzzzzzzzzzzzzzzzzzzzz5",
    name: "web.default.ann",
    incarnation: "01a",
    generation: 1,
  };
  {
    using peer = new Peer(site.parts);
    peer.hello(site.secret, "boot-one", { domainCount: 1 });
    peer.domains([web]);
    await peer.until("ready");
  }
  await until("it left", () => site.ctrl.links.link("n1").session === null);
  await site.parts.domains.lost("n1");
  strictEqual(records.vms.get(web.uid)?.status.state, "unknown");

  using peer = new Peer(site.parts);
  peer.hello(site.secret, "boot-two", { domainCount: 0 });
  peer.domains([]);
  await peer.until("ready");

  const { state, reason } = records.vms.get(web.uid)!.status;
  deepStrictEqual([state, reason], [
    "crashed",
    "its node n1 has rebooted (boot boot-two after boot-one) (it was running)",
  ]);
  strictEqual(records.nodes.get("n1")?.bootId, "boot-two");
});
