/**
 * The guard of simulated domains, on a clock of the test's own.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { VmSpec } from "../../schema/vm.ts";
import { createSimDriver } from "./mod.ts";
import { SimHypervisor } from "./hypervisor.ts";

const never = new AbortController().signal;

function planOf(uid: string, onNodeLoss: "restart" | "wait") {
  return {
    uid,
    name: `${uid}.lab.ann`,
    generation: 1,
    incarnation: "01a",
    spec: VmSpec.parse({ onNodeLoss }),
  };
}

async function world() {
  const clock = new FakeClock();
  const hypervisor = await SimHypervisor.open({ clock });
  const driver = await createSimDriver({ stateDir: "", log() {} }, {
    hypervisor,
  });
  const stateOf = async (uid: string) => {
    const { state, held } = await driver.inspect(uid, never);
    return held === true ? `${state}, held` : state;
  };
  const renew = (ms: number) => driver.guarding.renew(clock.boot() + ms, never);
  return { clock, hypervisor, driver, stateOf, renew };
}

Deno.test("sim [15, 16]: what was renewed is held when the lease is over, and nothing else", async () => {
  const { clock, driver, stateOf, renew } = await world();
  await driver.start(planOf("web", "restart"), never);
  await driver.start(planOf("waits", "wait"), never);
  deepStrictEqual(await renew(5000), { guarded: { web: "01a" }, held: {} });
  // Started since: no guard has it in hand yet.
  await driver.start(planOf("new", "restart"), never);
  await clock.advance(4999);
  strictEqual(await stateOf("web"), "running");
  await clock.advance(1);
  deepStrictEqual(
    await Promise.all(["web", "waits", "new"].map(stateOf)),
    ["paused, held", "running", "running"],
  );
  deepStrictEqual((await renew(5000)).held, { web: "01a" });
  await driver.guarding.release(["web"], clock.boot() - 1, never);
  strictEqual(await stateOf("web"), "paused, held");
  await driver.guarding.release(["web"], clock.boot() + 1, never);
  strictEqual(await stateOf("web"), "running");
});

Deno.test("sim [15]: the guard outlives the driver, and one that cannot be reached still pauses", async () => {
  const { clock, hypervisor, driver, renew } = await world();
  await driver.start(planOf("web", "restart"), never);
  await renew(5000);
  driver.faults.guardError = "no guard";
  await rejects(renew(60_000), /no guard/);
  await driver[Symbol.asyncDispose]();
  await clock.advance(5000);
  const after = await createSimDriver({ stateDir: "", log() {} }, {
    hypervisor,
  });
  const { state, held, reason } = await after.inspect("web", never);
  deepStrictEqual([state, held], ["paused", true]);
  strictEqual(reason, "paused by its guard, since its node's lease was over");
  await after.pausing.resume("web", never);
  strictEqual((await after.inspect("web", never)).held, true, "it is over yet");
  const stopped = await after.stop("web", { graceMs: 0, signal: never });
  deepStrictEqual([stopped.state, stopped.held], ["stopped", undefined]);
  await after[Symbol.asyncDispose]();
});

Deno.test("sim [15]: a guest that boots is in no guard's hand until it is up", async () => {
  const { clock, driver, stateOf, renew } = await world();
  const spec = VmSpec.parse({
    onNodeLoss: "restart",
    sim: { bootMs: 10_000 },
  });
  driver.start({ ...planOf("web", "restart"), spec }, never).catch(() => {});
  await clock.advance(1000);
  deepStrictEqual(await renew(3000), { guarded: {}, held: {} });
  await clock.advance(3000);
  strictEqual(await stateOf("web"), "starting");
  await clock.advance(6000);
  strictEqual(await stateOf("web"), "running");
  deepStrictEqual((await renew(3000)).guarded, { web: "01a" });
  await clock.advance(3000);
  strictEqual(await stateOf("web"), "paused, held");
  await driver[Symbol.asyncDispose]();
});
