/**
 * What becomes of a real guest when one end of its move dies, hangs or forgets.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { Ticket } from "../../src/driver/qemu/migration/record.ts";
import { killed, Move, pairTest, started } from "../support/qemu_pair.ts";
import { GUEST } from "../support/qemu_node.ts";
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
    await move.untilFlowing();
    await killed(n2, plan.uid);
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
    await move.untilFlowing();
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
  "a target that hangs before the two have shown who they are costs the guest seconds",
  async ({ n1, n2 }) => {
    // With a disk of its own the target would be asked before.
    const path = `${GUEST}/boot.raw`;
    const plan = n1.planOf({
      disks: [{ path, format: "raw", readonly: true }],
    });
    await n1.driver.start(plan, noAbort());
    const move = new Move(n1, n2, plan);
    await move.prepare();
    await n2.freeze(plan.uid);
    // QEMU waits for the other with all it has, and answers nobody.
    await rejects(move.send(), { code: "interrupted" });
    // As the controller does, at both ends at once.
    const [back] = await Promise.all([move.abort(), move.releaseTarget()]);
    strictEqual(back, "running");
    deepStrictEqual(await n2.leftovers(plan.uid), []);
    strictEqual(await move.stateAt(n1), "running");
    await move.whole();
    strictEqual(await move.stateAt(n2), "running");
  },
);

pairTest(
  "a copy whose source died while it sent is no crashed domain, and leaves nothing",
  async (pair) => {
    const { n1, n2 } = pair;
    const plan = await started(pair);
    const move = new Move(n1, n2, plan, { bandwidth: 128 * 1024 });
    await move.prepare();
    const sent = move.send();
    await move.untilFlowing();
    await killed(n1, plan.uid);
    await rejects(sent);
    await until("its QEMU ends", async () => {
      return (await n2.occupants()).length === 0;
    }, n2);
    await checkCopy(move);
    await clearAway(move);
  },
);

pairTest(
  "a copy whose source died while it connected waits, and leaves nothing",
  async (pair) => {
    const { n1, n2 } = pair;
    const plan = await started(pair);
    const move = new Move(n1, n2, plan);
    await move.prepare();
    await cutHandshake(move);
    await killed(n1, plan.uid);
    // QEMU takes another connection after one that failed to show itself.
    await checkCopy(move);
    deepStrictEqual(await n2.occupants(), [plan.uid]);
    await clearAway(move);
  },
);

/** Connects as a source does that dies before it has shown who it is. */
async function cutHandshake({ transfer }: Move): Promise<void> {
  const { address: hostname, port } = Ticket.parse(transfer.ticket);
  ok(port !== null);
  using line = await Deno.connect({ hostname, port });
  await line.write(new Uint8Array([0x16, 3, 1])); // the head of a TLS record
}

async function checkCopy({ source, target, uid }: Move): Promise<void> {
  const { state, reason } = await target.driver.inspect(uid, noAbort());
  strictEqual(state, "migrating");
  match(reason, new RegExp(`coming from ${source.name}`));
}

async function clearAway(move: Move): Promise<void> {
  await until("the source's end is known", async () => {
    return await move.abort() === "crashed";
  }, move.source);
  await move.releaseTarget();
  deepStrictEqual(await move.target.leftovers(move.uid), []);
  deepStrictEqual(await move.target.occupants(), []);
}

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
      const pid = n2.pidOf(uid);
      if (restarts) await n2.driver[Symbol.asyncDispose]();
      Deno.kill(pid, "SIGKILL");
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
    await killed(n2, plan.uid);
    await move.receive();
    await rejects(move.send(), { message: /its target lost what was sent/ });
    await move.undo();
  },
);
