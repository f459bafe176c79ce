/**
 * The knobs of a simulated migration, under a clock that the test moves.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import type { Transfer } from "../../schema/frame.ts";
import type { Progress } from "../../schema/operation.ts";
import { type SimOptions, VmSpec } from "../../schema/vm.ts";
import { MigrationAct } from "./faults.ts";
import { createSimDriver, type SimDriver } from "./mod.ts";

const { signal } = new AbortController();
const UID = "01";

const TRANSFER: Transfer = {
  id: "m1",
  peer: "n2",
  live: true,
  options: { autoConverge: true, postCopy: false },
  offer: null,
  ticket: null,
};

/** A running domain on one node, and another node, under one clock. */
async function two(sim: Partial<SimOptions> = {}) {
  const clock = new FakeClock();
  const context = { stateDir: "", log() {} };
  const source = await createSimDriver(context, { clock });
  const target = await createSimDriver(context, { clock });
  const plan = {
    uid: UID,
    name: "web.lab.ann",
    generation: 1,
    incarnation: "op",
    spec: VmSpec.parse({ memoryMiB: 64, sim }),
  };
  const starting = source.start(plan, signal);
  await clock.advance(0);
  await starting;
  return { clock, source, target, plan };
}

async function stateOf(driver: SimDriver): Promise<string> {
  return (await driver.inspect(UID, signal)).state;
}

Deno.test("sendMs: it takes so long, tells how far it is, and goes on while nobody waits", async () => {
  const { clock, source } = await two({ sendMs: 10_000 });
  source.faults.sendTellsMs = 2500;
  const told: Progress[] = [];
  const gaveUp = new AbortController();
  const sending = source.migration.send(
    UID,
    TRANSFER,
    (progress) => told.push(progress),
    gaveUp.signal,
  );
  await clock.advance(5000);
  deepStrictEqual(
    told.map(({ phase, doneBytes, leftMs }) => [phase, doneBytes, leftMs]),
    [
      ["memory", 0, 10_000],
      ["memory", 16 << 20, 7500],
      ["memory", 32 << 20, 5000],
    ],
  );
  gaveUp.abort(new Error("enough"));
  await rejects(sending, /enough/);
  strictEqual(await stateOf(source), "running");
  await clock.advance(5000);
  strictEqual(await stateOf(source), "migrating");
  const again = await source.migration.send(UID, TRANSFER, () => {}, signal);
  strictEqual(again.state, "migrating");
});

Deno.test("sendError: it fails halfway, and the domain runs on", async () => {
  const { clock, source } = await two({ sendMs: 1000, sendError: "no luck" });
  const sending = source.migration.send(UID, TRANSFER, () => {}, signal);
  sending.catch(() => {});
  await clock.advance(400);
  strictEqual(await stateOf(source), "running");
  await clock.advance(200);
  await rejects(sending, /^UsherError: no luck$/);
  await clock.advance(10_000);
  strictEqual(await stateOf(source), "running");
});

Deno.test("sendHangs: it never ends by itself, and an abort or a power cut ends it", async () => {
  for (const end of ["abort", "stop"] as const) {
    const { clock, source } = await two({ sendHangs: true });
    source.faults.sendTellsMs = 600_000;
    const sending = source.migration.send(UID, TRANSFER, () => {}, signal);
    sending.catch(() => {});
    await clock.advance(3_600_000);
    strictEqual(await stateOf(source), "running");
    if (end === "abort") await source.migration.abort(UID, TRANSFER, signal);
    else await source.stop(UID, { graceMs: 0, signal });
    await rejects(sending, /its migration was ended/);
    strictEqual(await stateOf(source), end === "abort" ? "running" : "stopped");
  }
});

Deno.test("migrationFailsAt: that act fails and does nothing", async () => {
  const { source, target, plan } = await two();
  const { migration } = source;
  const acts = {
    offer: () => migration.offer(UID, TRANSFER, signal),
    receive: () => target.migration.receive(plan, TRANSFER, signal),
    send: () => migration.send(UID, TRANSFER, () => {}, signal),
    activate: () => migration.activate(UID, TRANSFER, signal),
    abort: () => migration.abort(UID, TRANSFER, signal),
    release: () => migration.release(UID, TRANSFER, signal),
  };
  for (const act of MigrationAct.options) {
    source.faults.migrationFailsAt = act;
    target.faults.migrationFailsAt = act;
    await rejects(acts[act](), new RegExp(`"${act}" was made to fail here`));
    deepStrictEqual([await stateOf(source), await stateOf(target)], [
      "running",
      "absent",
    ]);
  }
});

Deno.test("what time would have done to a domain comes after it moved", async () => {
  const { clock, source, target, plan } = await two({
    sendMs: 1000,
    crashAfterMs: 5000,
  });
  const offer = await source.migration.offer(UID, TRANSFER, signal);
  await target.migration.receive(plan, { ...TRANSFER, offer }, signal);
  const sending = source.migration.send(UID, TRANSFER, () => {}, signal);
  await clock.advance(1000);
  await sending;
  const { state } = await target.migration.activate(UID, TRANSFER, signal);
  strictEqual(state, "running");
  await source.migration.release(UID, TRANSFER, signal);
  await clock.advance(3000);
  strictEqual(await stateOf(target), "running");
  await clock.advance(3000);
  strictEqual(await stateOf(target), "crashed");
});
