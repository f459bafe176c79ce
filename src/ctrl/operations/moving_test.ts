/**
 * Migrations: what is asked of whom, which target is taken, and what moves.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { MovingWorld } from "../../../tests/support/moving_world.ts";

Deno.test("a migration asks each end in turn, and names the other", async () => {
  await using world = await MovingWorld.open();
  const { uid } = await world.startWeb();
  world.ctrl.acts.length = 0;
  await world.end(await world.migrate());
  deepStrictEqual(
    world.ctrl.acts.map(({ verb, node, transfer }) => [
      verb,
      node,
      transfer?.peer,
    ]),
    [
      ["offer", "n1", "n2"],
      ["receive", "n2", "n1"],
      ["send", "n1", "n2"],
      ["activate", "n2", "n1"],
      ["release", "n1", "n2"],
    ],
  );
  const messages = world.ctrl.acts.map(({ transfer }) => transfer);
  ok(messages[1]?.offer?.phase === "running", "the target hears the offer");
  ok(messages[2]?.ticket !== null, "the source hears the ticket");
  strictEqual((await world.untilOne(uid, "running")).node, "n2");
});

Deno.test("a target that fails is left, and another one tried, where placement may choose", async () => {
  await using world = await MovingWorld.open(["n1", "n2", "n3"]);
  const { uid } = await world.startWeb();
  world.faults("n2").migrationFailsAt = "receive";
  const operation = await world.end(await world.migrate());
  deepStrictEqual(
    [operation.state, operation.from, operation.to, operation.tried],
    ["succeeded", "n1", "n3", ["n2"]],
  );
  match(
    operation.trail.map(({ text }) => text).join("\n"),
    /n2 could not take it in: .*; looking for another node/,
  );
  const ids = new Set(world.ctrl.acts.map(({ transfer }) => transfer?.id));
  ok(ids.has(operation.id) && ids.has(`${operation.id}-2`));
  strictEqual((await world.untilOne(uid, "running")).node, "n3");
});

Deno.test("when no target takes it in, the first refusal is what is told", async () => {
  await using world = await MovingWorld.open(["n1", "n2", "n3"]);
  const { uid } = await world.startWeb();
  for (const name of ["n2", "n3"]) {
    world.faults(name).migrationFailsAt = "receive";
  }
  const { state, problem, tried } = await world.end(await world.migrate());
  deepStrictEqual([state, tried], ["failed", ["n2"]]);
  match(problem?.detail ?? "", /"receive" was made to fail here/);
  strictEqual((await world.untilOne(uid, "running")).node, "n1");
});

Deno.test("sending that shows no life is given up, and the VM goes on where it was", async () => {
  await using world = await MovingWorld.open();
  const { uid } = await world.startWeb({ sendHangs: true });
  world.faults("n1").sendTellsMs = 10_000;
  const { state, problem } = await world.end(await world.migrate("n2"));
  deepStrictEqual([state, problem?.code], ["failed", "timed_out"]);
  match(
    problem?.detail ?? "",
    /Step "send" .* took longer than 120 s on node n1/,
  );
  strictEqual((await world.untilOne(uid, "running")).node, "n1");
});

Deno.test("sending that goes on is not given up, however long it takes", async () => {
  await using world = await MovingWorld.open();
  const { uid } = await world.startWeb({ sendMs: 400_000 });
  world.faults("n1").sendTellsMs = 10_000;
  const id = await world.migrate();
  const progress = await world.until("something of it is told", () => {
    const operation = world.ctrl.records.operations.get(id);
    return operation && world.ctrl.records.withProgress(operation).progress;
  });
  deepStrictEqual([progress.phase, progress.totalBytes], ["memory", 64 << 20]);
  strictEqual((await world.end(id, 5000)).state, "succeeded");
  strictEqual((await world.untilOne(uid, "running")).node, "n2");
});

Deno.test("a guest that dies while it is sent ends the migration, and nothing is left at the target", async () => {
  await using world = await MovingWorld.open();
  const { uid } = await world.startWeb({ sendMs: 60_000, crashAfterMs: 5000 });
  const { state, problem } = await world.end(await world.migrate("n2"));
  deepStrictEqual([state, problem?.code], ["failed", "driver_failed"]);
  strictEqual((await world.untilOne(uid, "crashed")).node, "n1");
});

Deno.test("a paused VM stays paused, and one that is off stays off", async () => {
  await using world = await MovingWorld.open();
  const { uid } = await world.startWeb({ sendMs: 1000 });
  for (
    const [verb, state, node] of [
      ["pause", "paused", "n2"],
      ["poweroff", "stopped", "n1"],
    ] as const
  ) {
    await world.end(await world.ctrl.submit({ verb, names: ["web"] }));
    const { state: ended, live } = await world.end(await world.migrate());
    deepStrictEqual([ended, live], ["succeeded", state === "paused"]);
    strictEqual((await world.untilOne(uid, state)).node, node);
  }
  const start = await world.ctrl.submit({ verb: "start", names: ["web"] });
  strictEqual((await world.end(start)).state, "succeeded");
  strictEqual((await world.untilOne(uid, "running")).node, "n1");
});

Deno.test("of a VM that has no domain the record alone moves, and only where it is told to", async () => {
  await using world = await MovingWorld.open();
  await world.end(
    await world.ctrl.submit({ verb: "register", names: ["web"] }),
  );
  const nowhere = await world.end(await world.migrate());
  deepStrictEqual([nowhere.state, nowhere.changed], ["succeeded", false]);
  const told = await world.end(await world.migrate("n2"));
  deepStrictEqual([told.state, told.changed, told.to], [
    "succeeded",
    true,
    "n2",
  ]);
  strictEqual(world.web()?.node, "n2");
  deepStrictEqual(world.ctrl.acts, []);
  const start = await world.ctrl.submit({ verb: "start", names: ["web"] });
  await world.end(start);
  strictEqual((await world.untilOne(world.web()!.uid, "running")).node, "n2");
});

Deno.test("a migration to where the VM is changes nothing; one to where it cannot be says why", async () => {
  await using world = await MovingWorld.open();
  await world.startWeb();
  const here = await world.end(await world.migrate("n1"));
  deepStrictEqual([here.state, here.changed], ["succeeded", false]);
  await world.lose("n2");
  const { problem } = await world.end(await world.migrate("n2"));
  deepStrictEqual(
    [problem?.code, problem?.detail, problem?.hint],
    [
      "insufficient_resources",
      'Cannot migrate VM "web.default.ann" to node n2',
      "on n2, bring its LNM back, or its machine",
    ],
  );
});

Deno.test("a driver that cannot migrate is named, at either end", async () => {
  await using world = await MovingWorld.open();
  await world.startWeb();
  const without = async (name: string) => {
    const node = world.ctrl.records.nodes.latest(name)!;
    const drivers = node.drivers.map((its) => ({ ...its, abilities: [] }));
    await world.ctrl.records.write([{
      kind: "node",
      key: name,
      value: { ...node, drivers },
    }]);
  };
  await without("n2");
  const target = await world.end(await world.migrate());
  deepStrictEqual([target.problem?.code, target.problem?.hint], [
    "insufficient_resources",
    "n2: driver sim there lacks migration",
  ]);
  await without("n1");
  const source = await world.end(await world.migrate());
  strictEqual(source.problem?.code, "unsupported");
  match(source.problem?.detail ?? "", /driver "sim" of node n1 cannot migrate/);
});

Deno.test("a VM that moves takes room at both ends until it is there", async () => {
  await using world = await MovingWorld.open();
  await world.startWeb({ sendMs: 2000 });
  const taken = () => {
    const { picture } = world.ctrl.records.capacity;
    return ["n1", "n2"].map((name) => picture.taken(name).memoryMiB);
  };
  deepStrictEqual(taken(), [64, 0]);
  const id = await world.migrate();
  await world.until(
    "it is being sent",
    () => world.ctrl.records.operations.get(id)?.step === "send",
  );
  deepStrictEqual(taken(), [64, 64]);
  await world.end(id);
  deepStrictEqual(taken(), [0, 64]);
});

Deno.test("a domain that must not run and that no record knows is what is left of a VM that moved", async () => {
  await using world = await MovingWorld.open();
  const { uid } = await world.startWeb({ sendMs: 60_000 });
  const id = await world.migrate();
  await world.until(
    "it is being sent",
    () => world.ctrl.records.operations.get(id)?.step === "send",
  );
  await world.lose("n2");
  await world.end(await world.ctrl.submit({ verb: "destroy", names: ["web"] }));
  deepStrictEqual(world.copies(uid).map(({ node }) => node), ["n2"]);
  await world.killCtrl();
  await world.startCtrl();
  await world.heal("n2");
  await world.until("nothing is left", () => world.copies(uid).length === 0);
  strictEqual(world.web(), undefined);
});

Deno.test("a VM that may have a domain is not moved by its record alone", async () => {
  await using world = await MovingWorld.open();
  world.isMute = true;
  const ask = async (more: Parameters<typeof world.ctrl.submit>[0]) =>
    await world.end(await world.ctrl.submit(more));
  const spec = { sim: { replyLost: true } };
  await ask({ verb: "register", names: ["web"], spec });
  // It starts, and neither the answer nor a look afterwards tells.
  world.faults("n1").listError = "the hypervisor is away";
  const start = await ask({ verb: "start", names: ["web"], on: "n1" });
  deepStrictEqual([start.state, world.web()?.status.state], [
    "failed",
    "absent",
  ]);
  delete world.faults("n1").listError;
  const { state, problem } = await world.end(await world.migrate("n2"));
  strictEqual(state, "failed");
  match(problem?.detail ?? "", /it is running afterwards/);
  const { uid } = world.web()!;
  strictEqual((await world.untilOne(uid, "running")).node, "n1");
});
