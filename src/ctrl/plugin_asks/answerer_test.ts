import assert from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { askedBy, AskSite, plugin } from "../../../tests/support/ask_site.ts";
import { isUsherError, UsherError } from "../../error/mod.ts";
import type { Asking } from "../../plugin/asks.ts";
import { MAX_ANSWER } from "./ask.ts";

const denied = (pattern: RegExp) => (error: unknown) =>
  isUsherError(error) && error.code === "permission_denied" &&
  pattern.test(`${error.message}; ${error.details.hint}`);

Deno.test("what only the manifest or only the configuration says is not given", async () => {
  await using at = await AskSite.open();
  at.use(
    plugin("both", { asks: ["nodes"], grants: { ctx: ["nodes"] } }),
    plugin("asks", { asks: ["nodes"] }),
    plugin("granted", { grants: { ctx: ["nodes"] } }),
  );
  const list = (name: string) => at.ask("nodes.list", {}, askedBy(name));
  assert.equal((await list("both") as unknown[]).length, 1);
  await assert.rejects(
    list("asks"),
    denied(/"asks".*"nodes".*plugins\.asks\.grants\.ctx/),
  );
  await assert.rejects(list("granted"), denied(/"granted".*its manifest/));
  await assert.rejects(list("nobody"), denied(/not in use/));
});

Deno.test("a grant that is no pattern is named, and those before stay", async () => {
  await using at = await AskSite.open();
  at.use(plugin("p", { asks: ["nodes"], grants: { ctx: ["nodes"] } }));
  assert.throws(
    () => at.use(plugin("p", { grants: { vms: ["web[.lab.ann"] } })),
    (error) =>
      isUsherError(error, "invalid_input") &&
      error.details.field === "plugins.p.grants.vms" &&
      /"p".*"web\[\.lab\.ann"/.test(error.message),
  );
  await at.ask("nodes.list", {}, askedBy("p"));
});

Deno.test("a grant that is taken back is gone at once", async () => {
  await using at = await AskSite.open();
  at.use(plugin("p", { asks: ["nodes"], grants: { ctx: ["nodes"] } }));
  await at.ask("nodes.list", {}, askedBy("p"));
  at.use(plugin("p", { asks: ["nodes"] }));
  await assert.rejects(at.ask("nodes.list", {}, askedBy("p")), denied(/"p"/));
});

Deno.test("reads show the VMs that are granted, and what they use", async () => {
  await using at = await AskSite.open();
  await at.start("web.lab.ann", "db.lab.ann", "web.lab.bob");
  at.use(plugin("p", {
    asks: ["vms", "usage", "history"],
    grants: { ctx: ["vms", "usage", "history"], vms: ["*.*.ann"] },
  }));
  const names = async (filter: Record<string, string>) =>
    (await at.ask("vms.list", filter, askedBy("p")) as { name: string }[])
      .map(({ name }) => name);
  assert.deepEqual(await names({}), ["db.lab.ann", "web.lab.ann"]);
  assert.deepEqual(await names({ name: "web" }), ["web.lab.ann"]);
  assert.deepEqual(await names({ node: "n2" }), []);
  assert.deepEqual(await names({ state: "paused" }), []);
  assert.equal(
    await at.ask("vms.get", { name: "web.lab.bob" }, askedBy("p")),
    null,
  );
  for (const vm of at.small.records.vms.values()) {
    at.small.links.link("n1").vmUsage.set(vm.uid, usage(vm.name.length));
  }
  const used = await at.ask("usage.vms", {}, askedBy("p"));
  assert.deepEqual(Object.keys(used as object), ["db.lab.ann", "web.lab.ann"]);
  const ended = await at.ask("history.operations", {}, askedBy("p"));
  assert.deepEqual(
    (ended as { vm: string }[]).map(({ vm }) => vm).sort(),
    ["db.lab.ann", "web.lab.ann"],
  );
  const states = (name: string) =>
    at.ask("history.vm", { name }, askedBy("p")) as Promise<
      { state: string }[]
    >;
  assert.equal((await states("web.lab.ann"))[0]?.state, "running");
  assert.deepEqual(await states("web.lab.bob"), []);
});

Deno.test("an answer that would be too large is refused, saying how to narrow it", async () => {
  await using at = await AskSite.open();
  await at.fill(MAX_ANSWER + 1);
  at.use(plugin("p", {
    asks: ["vms"],
    grants: { ctx: ["vms"] },
    rate: 100_000,
  }));
  await assert.rejects(
    at.ask("vms.list", {}, askedBy("p")),
    /asked for 10001 VMs at once/,
  );
  const some = await at.ask("vms.list", { name: "x-1*" }, askedBy("p"));
  assert.ok((some as unknown[]).length > 1000);
  const page = async (after: string) =>
    (await at.ask(
      "vms.list",
      { after, limit: MAX_ANSWER },
      askedBy("p"),
    ) as { name: string }[]).map(({ name }) => name);
  const first = await page("");
  const rest = await page(first.at(-1) ?? "");
  assert.deepEqual([first.length, rest.length], [MAX_ANSWER, 1]);
  assert.ok((first.at(-1) ?? "") < (rest[0] ?? ""));
});

Deno.test("VMs of one user, or of one name, are looked up without a look at all", async () => {
  const clock = new FakeClock();
  await using at = await AskSite.open({ clock });
  await at.fill(1000);
  await at.start("web.lab.ann", "db.lab.bob", "web.lab.bob");
  const grants = { ctx: ["vms"] as const, vms: ["*.*.*"] };
  at.use(plugin("p", { asks: ["vms"], grants, rate: 40 }));
  const names = async (name: string) =>
    (await at.ask("vms.list", { name }, askedBy("p")) as { name: string }[])
      .map(({ name }) => name);
  // Each look at all of them costs as much as twenty of these.
  for (let i = 0; i < 9; i++) {
    assert.deepEqual(await names("*.*.bob"), ["db.lab.bob", "web.lab.bob"]);
    assert.deepEqual(await names("w?b.*.bob"), ["web.lab.bob"]);
    assert.deepEqual(await names("web.lab"), ["web.lab.ann", "web.lab.bob"]);
    assert.deepEqual(await names("*.*.eve"), []);
  }
});

Deno.test("who asks too fast waits, and is refused when too many wait", async () => {
  const clock = new FakeClock();
  await using at = await AskSite.open({ clock });
  at.use(plugin("p", {
    asks: ["state"],
    grants: { ctx: ["state"] },
    rate: 10,
  }));
  let done = 0;
  const asks = Array.from(
    { length: 40 },
    () =>
      at.ask("state.get", { key: "k" }, askedBy("p")).then(
        () => void done++,
        (error) => error as Error,
      ),
  );
  await clock.advance(0);
  assert.equal(done, 10);
  await clock.advance(1000);
  assert.equal(done, 20);
  await clock.advance(1000);
  const refused = (await Promise.all(asks)).filter((one) =>
    one instanceof Error
  );
  assert.equal(done, 30);
  assert.equal(refused.length, 10);
  assert.match(refused[0]?.message ?? "", /10 asks a second/);
});

Deno.test("a password is right or wrong, and says no more", async () => {
  await using at = await AskSite.open();
  await at.accounts.create("ann", "user", "correct horse");
  at.use(plugin("p", { asks: ["accounts"], grants: { ctx: ["accounts"] } }));
  const check = (name: string, password: string) =>
    at.ask("accounts.check", { name, password }, askedBy("p"));
  assert.deepEqual(await check("ann", "correct horse"), {
    valid: true,
    role: "user",
  });
  for (const name of ["ann", "nobody"]) {
    assert.deepEqual(await check(name, "wrong"), { valid: false, role: null });
  }
});

Deno.test("a plugin fires what it declares, and nothing while events are played", async () => {
  await using at = await AskSite.open();
  at.use(plugin("p", {
    asks: ["fire"],
    grants: { ctx: ["fire"] },
    events: { p_event: "for tests" },
  }));
  at.heard.add("p_event");
  const fire = (event: string, asking: Partial<Asking> = {}) =>
    at.ask("fire", { event, args: [1] }, { ...askedBy("p"), ...asking });
  await fire("p_event");
  await fire("p_event", { isReplay: true });
  await assert.rejects(fire("start"), denied(/does not declare it/));
  assert.deepEqual(at.fired.map(({ event }) => event), ["p_event"]);
  at.refuse(
    new UsherError("wrong_state", "Events fire one another in a circle"),
  );
  await assert.rejects(fire("p_event"), /in a circle/);
});

Deno.test("what a chain takes is no part of the call that fires it", async () => {
  await using at = await AskSite.open();
  at.use(plugin("p", {
    asks: ["fire"],
    grants: { ctx: ["fire"] },
    events: { p_event: "for tests" },
  }));
  at.heard.add("p_event");
  at.hold();
  for (let i = 0; i < 256; i++) {
    await at.ask("fire", { event: "p_event", args: [i] }, askedBy("p"));
  }
  await assert.rejects(
    at.ask("fire", { event: "p_event", args: [] }, askedBy("p")),
    /256 are under way/,
  );
});

function usage(cpu: number) {
  return {
    cpu: { m1: cpu, m5: cpu, m15: cpu },
    memoryMiB: 64,
    diskRead: null,
    diskWrite: null,
    netRx: null,
    netTx: null,
  };
}
