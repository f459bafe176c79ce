/**
 * Acts of a migration: sending holds up nothing, and is done once.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../tests/support/fake_clock.ts";
import { createSimDriver } from "../driver/sim/mod.ts";
import type { DomainFrame } from "../schema/frame.ts";
import type { Progress } from "../schema/operation.ts";
import { type SimOptions, VmSpec } from "../schema/vm.ts";
import { type Act, Acts } from "./acts.ts";
import { type DriverSet, frameOf } from "./driver_set.ts";

const UID = "01hzzzzzzzzzzzzzzzzzzzzzz0";

function act(verb: Act["verb"], more: Partial<Act> = {}): Act {
  return {
    type: "act",
    id: `op.${verb}`,
    verb,
    driver: "sim",
    uid: UID,
    plan: null,
    transfer: {
      id: "op",
      peer: "n2",
      live: true,
      options: { autoConverge: true, postCopy: false },
      offer: null,
      ticket: null,
    },
    graceMs: 0,
    ...more,
  };
}

/** The acts of a node on which a domain runs. */
async function world(sim: Partial<SimOptions> = {}) {
  const clock = new FakeClock();
  const driver = await createSimDriver({ stateDir: "", log() {} }, { clock });
  const set = {
    get: () => driver,
    doubt() {},
    look: async ({ uid }: DomainFrame, signal: AbortSignal) =>
      frameOf("sim", await driver.inspect(uid ?? "", signal)),
  } as unknown as DriverSet;
  const told: [string, Progress][] = [];
  const acts = new Acts(
    set,
    clock,
    () => {},
    (id) => (progress) => told.push([id, progress]),
  );
  const spec = VmSpec.parse({ memoryMiB: 64, sim });
  const plan = { name: "web", generation: 1, incarnation: "op", spec };
  await acts.do(act("start", { plan }));
  return { clock, driver, acts, told };
}

Deno.test("a send holds up neither a look nor what ends it", async () => {
  for (
    const [verb, state] of [["abort", "running"], ["stop", "stopped"]] as const
  ) {
    const { clock, acts, told } = await world({ sendMs: 60_000 });
    const sending = acts.do(act("send"));
    await clock.advance(1000);
    strictEqual((await acts.do(act("inspect"))).domain?.state, "running");
    strictEqual((await acts.do(act(verb))).domain?.state, state);
    await clock.advance(1000);
    match((await sending).problem?.detail ?? "", /its migration was ended/);
    strictEqual(told[0]?.[0], "op.send");
  }
});

Deno.test("a send that is asked again joins the one that runs, and is answered as it was", async () => {
  const { clock, acts } = await world({ sendMs: 2000 });
  const both = [acts.do(act("send")), acts.do(act("send"))];
  await clock.advance(3000);
  for (const answer of [...both, acts.do(act("send"))]) {
    strictEqual((await answer).domain?.state, "migrating");
  }
});

Deno.test("an offer answers with what is for the other node, also when asked again", async () => {
  const { acts } = await world();
  const first = await acts.do(act("offer"));
  deepStrictEqual([first.message?.phase, first.domain?.state], [
    "running",
    "running",
  ]);
  deepStrictEqual((await acts.do(act("offer"))).message, first.message);
});

Deno.test("a failure that may pass is no answer to who asks again", async () => {
  const { driver, acts } = await world();
  driver.faults.listError = "the hypervisor is away";
  strictEqual((await acts.do(act("inspect"))).problem?.code, "unavailable");
  delete driver.faults.listError;
  strictEqual((await acts.do(act("inspect"))).domain?.state, "running");
});

Deno.test("an act that lacks what it needs is refused", async () => {
  const { acts } = await world();
  for (
    const [bad, lacks] of [
      [act("receive"), /"receive" needs a plan/],
      [{ ...act("send"), transfer: undefined }, /"send" needs a transfer/],
    ] as const
  ) {
    const { problem } = await acts.do(bad as Act);
    strictEqual(problem?.code, "invalid_input");
    match(problem.detail, lacks);
  }
});
