/**
 * What becomes of a real guest when one end of its move dies, hangs or forgets.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { Move, pairTest, started } from "../support/qemu_pair.ts";
import { until } from "../support/wait.ts";
import { noAbort } from "./driver/harness.ts";

pairTest(
  "a target that dies while memory is sent costs the guest nothing",
  async (pair) => {
    const { n1, n2 } = pair;
    const plan = await started(pair);
    const move = new Move(n1, n2, plan, { bandwidth: 64 * 1024 * 10 });
    await move.prepare();
    const sent = move.send();
    await move.untilSending("memory");
    Deno.kill(n2.pidOf(plan.uid), "SIGKILL");
    await rejects(sent, { code: "driver_failed" });
    strictEqual(await move.stateAt(n2), "migrating");
    await move.undo();
  },
);

pairTest(
  "a target that hangs at the switch keeps the guest from running for seconds, and not for ever",
  async (pair) => {
    const { n1, n2 } = pair;
    const plan = await started(pair);
    const move = new Move(n1, n2, plan, { bandwidth: 64 * 1024 * 10 });
    await move.prepare();
    const sent = move.send();
    await move.untilSending("memory");
    await n2.freeze(plan.uid);
    await n1.qmp(plan.uid, "migrate-set-parameters", {
      "max-bandwidth": 2 ** 40,
    });
    // QEMU itself hangs meanwhile, or waits; which depends on how much is left.
    await rejects(sent, /Cannot (move|send)/);
    await until("it runs where it was", async () => {
      return await move.stateAt(n1) === "running";
    }, n1);
    await move.undo();
  },
);

pairTest(
  "a copy whose source died is no crashed domain, and leaves nothing",
  async (pair) => {
    const { n1, n2 } = pair;
    const plan = await started(pair);
    const move = new Move(n1, n2, plan, { bandwidth: 64 * 1024 * 10 });
    await move.prepare();
    const sent = move.send();
    await move.untilSending("memory");
    Deno.kill(n1.pidOf(plan.uid), "SIGKILL");
    await rejects(sent);
    await until("its QEMU ends", async () => {
      return (await n2.occupants()).length === 0;
    }, n2);
    const { state, reason } = await n2.driver.inspect(plan.uid, noAbort());
    strictEqual(state, "migrating");
    match(reason, /coming from n1/);
    strictEqual(await move.abort(), "crashed");
    await move.releaseTarget();
    deepStrictEqual(await n2.leftovers(plan.uid), []);
  },
);

for (const restarts of [true, false]) {
  pairTest(
    `a guest that dies at its target before it goes on there has crashed there, ${
      restarts ? "with its LNM" : "alone"
    }`,
    async (pair) => {
      const { n1, n2 } = pair;
      const plan = await started(pair);
      const { uid } = plan;
      const move = new Move(n1, n2, plan);
      await move.prepare();
      await move.send();
      const killed = n2.pidOf(uid);
      if (restarts) await n2.driver[Symbol.asyncDispose]();
      Deno.kill(killed, "SIGKILL");
      if (restarts) await n2.reopen();
      await until(
        "its QEMU has ended",
        async () => (await n2.occupants()).length === 0,
        n2,
      );
      strictEqual(await move.activate(), "crashed");
      strictEqual(await move.activate(), "crashed");
      await move.releaseSource();
      deepStrictEqual(await n1.leftovers(uid), []);
      const again = { ...plan, incarnation: "again" };
      strictEqual((await n2.driver.start(again, noAbort())).state, "running");
    },
  );
}

pairTest(
  "a target that lost what was sent, and takes in anew, is not gone on with: the guest goes on where it was",
  async (pair) => {
    const { n1, n2 } = pair;
    const plan = await started(pair);
    const move = new Move(n1, n2, plan);
    await move.prepare();
    await move.send();
    Deno.kill(n2.pidOf(plan.uid), "SIGKILL");
    await until("its QEMU has ended", async () => {
      return (await n2.occupants()).length === 0;
    }, n2);
    await move.receive();
    await rejects(move.send(), { message: /its target lost what was sent/ });
    await move.undo();
  },
);
