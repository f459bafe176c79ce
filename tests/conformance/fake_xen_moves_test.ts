/**
 * Migration between two Xen hosts of files, broken at its joints: whoever dies,
 * the guest runs in one place, and nothing is decided between two xl.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import { carrierOf, sendersOf } from "../support/xen_carriers.ts";
import type { DomainPlan } from "../../src/driver/driver.ts";
import type { Transfer } from "../../src/schema/frame.ts";
import { newId } from "../../src/sys/id.ts";
import { listPids, readArguments } from "../../src/sys/process_table.ts";
import { FakeXenNode } from "../support/xen_node.ts";
import { until } from "../support/wait.ts";
import { noAbort, startNew, stateOf } from "./driver/harness.ts";

/** One move, as the controller asks for it. */
class Move {
  readonly source: FakeXenNode;
  readonly target: FakeXenNode;
  readonly plan: DomainPlan;
  transfer: Transfer = {
    id: newId(),
    peer: "peer",
    live: true,
    options: { autoConverge: true, postCopy: false },
    offer: null,
    ticket: null,
  };

  constructor(source: FakeXenNode, target: FakeXenNode, plan: DomainPlan) {
    this.source = source;
    this.target = target;
    this.plan = plan;
  }

  /** Up to the point where the target listens. */
  async prepare(): Promise<void> {
    const { uid } = this.plan;
    const offer = await this.source.driver.migration!
      .offer(uid, this.transfer, noAbort());
    this.transfer = { ...this.transfer, offer };
    const ticket = await this.target.driver.migration!
      .receive(this.plan, this.transfer, noAbort());
    this.transfer = { ...this.transfer, ticket };
  }

  async send(): Promise<void> {
    await this.source.driver.migration!
      .send(this.plan.uid, this.transfer, () => {}, noAbort());
  }

  async act(end: "source" | "target", verb: "activate" | "abort" | "release") {
    const report = await this[end].driver.migration![verb](
      this.plan.uid,
      this.transfer,
      noAbort(),
    );
    return report.state;
  }

  /** Takes it back, and checks that all is as it was. */
  async undo(): Promise<void> {
    deepStrictEqual(await this.act("source", "abort"), "running");
    deepStrictEqual(await this.act("target", "release"), "absent");
    const { uid } = this.plan;
    deepStrictEqual(await this.source.occupants(), [uid]);
    deepStrictEqual(await this.target.occupants(), []);
    deepStrictEqual(await this.target.leftovers(uid), []);
  }
}

function moveTest(name: string, fn: (move: Move) => Promise<void>): void {
  Deno.test(`xen: ${name}`, async () => {
    await using source = await FakeXenNode.open();
    const target = await source.peer() as FakeXenNode;
    const move = new Move(source, target, await startNew(source));
    await fn(move);
    for (const node of [source, target]) {
      ok(!node.has("decided-alone"), "two xl decided between themselves");
    }
  });
}

moveTest(
  "a move keeps to the bandwidth that it was given",
  async (move) => {
    const { transfer } = move;
    const options = { ...transfer.options, bandwidth: 1_000_000 };
    move.transfer = { ...transfer, options };
    await move.prepare();
    const began = performance.now();
    await move.send(); // three million bytes
    const ms = performance.now() - began;
    ok(ms > 2700, `it took ${ms} ms`);
    deepStrictEqual(await move.act("target", "activate"), "running");
    deepStrictEqual(await move.act("source", "release"), "absent");
  },
);

moveTest(
  "the carrier at the source dies when the target has all: the guest stays where it stands",
  async (move) => {
    const { source, target, plan: { uid } } = move;
    await move.prepare();
    await move.send();
    Deno.kill((await carrierOf(source, uid)).pid, "SIGKILL");

    // Nothing lets it run again here, and it runs there once that is decided.
    deepStrictEqual(await source.stateInXen(uid), "---s--");
    deepStrictEqual(await move.act("target", "activate"), "running");
    deepStrictEqual(await source.stateInXen(uid), "---s--");
    deepStrictEqual(await move.act("source", "release"), "absent");
    deepStrictEqual(await source.occupants(), []);
    deepStrictEqual(await target.occupants(), [uid]);
  },
);

moveTest(
  "the carrier at the target dies while the guest is sent: it runs on at the source",
  async (move) => {
    const { target, plan: { uid } } = move;
    await move.prepare();
    Deno.kill((await carrierOf(target, uid)).pid, "SIGKILL");
    await rejects(move.send(), { code: "driver_failed" });
    await move.undo();
  },
);

moveTest(
  "the carrier at the target dies with the whole guest: it is taken back",
  async (move) => {
    const { target, plan: { uid } } = move;
    await move.prepare();
    await move.send();
    Deno.kill((await carrierOf(target, uid)).pid, "SIGKILL");
    await until(
      "its copy is gone",
      async () => (await target.occupants()).length === 0,
      target,
    );
    await move.undo();
  },
);

moveTest(
  "a copy that is gone when it is to go on is this node's, and crashed",
  async (move) => {
    const { source, target, plan: { uid } } = move;
    await move.prepare();
    await move.send();
    Deno.kill((await carrierOf(target, uid)).pid, "SIGKILL");

    deepStrictEqual(await move.act("target", "activate"), "crashed");
    deepStrictEqual(await move.act("source", "release"), "absent");

    deepStrictEqual(await source.occupants(), []);
    match(
      (await target.driver.inspect(uid, noAbort())).reason,
      /ended before it could go on here/,
    );
  },
);

moveTest(
  "both LNMs die in the middle, and others end the move",
  async (move) => {
    const { source, target, plan: { uid } } = move;
    await move.prepare();
    const first = move.send();
    first.catch(() => {});
    await until("it is being sent", () => sendersOf(uid).length > 0, source);
    await Promise.all([source.reopen(), target.reopen()]);
    await first.catch(() => {});

    await move.send();

    deepStrictEqual(await stateOf(source, uid), "migrating");
    await Promise.all([source.reopen(), target.reopen()]);
    deepStrictEqual(await move.act("target", "activate"), "running");
    deepStrictEqual(await move.act("source", "release"), "absent");
  },
);

moveTest(
  "xl that fails at the target is told in its words, and the guest runs on",
  async (move) => {
    move.target.break("full");
    await move.prepare();
    await rejects(move.send(), (error: Error) => {
      match(error.message, /^Cannot move VM "web-1\.lab\.ann": /);
      return true;
    });
    match(await move.target.moveLog(move.plan.uid), /no room/);
    await move.undo();
  },
);

moveTest(
  "a guest that is powered off in the middle is off, here and there",
  async (move) => {
    const { source, target, plan: { uid } } = move;
    await move.prepare();
    await move.send();
    const { state } = await source.driver.stop(uid, {
      graceMs: 0,
      signal: noAbort(),
    });
    deepStrictEqual(state, "stopped");
    deepStrictEqual(sendersOf(uid), []);
    deepStrictEqual(await move.act("target", "release"), "absent");
    deepStrictEqual([await source.occupants(), await target.occupants()], [
      [],
      [],
    ]);
  },
);

moveTest(
  "what sends the guest is not given up before it can be found",
  async (move) => {
    move.source.break("late");
    await move.prepare();
    await move.send();
    deepStrictEqual(await move.act("target", "activate"), "running");
    deepStrictEqual(await move.act("source", "release"), "absent");
  },
);

moveTest(
  "what Xen cannot move is refused before anything moves",
  async ({ source }) => {
    const image = `${source.dir}/image.raw`;
    await Deno.writeTextFile(image, "");
    const boot = { kernel: source.xl };
    const disks = [{ path: image, format: "raw" }];
    const refused: [Record<string, unknown>, RegExp][] = [
      [{ boot, disks }, /its disk .*image\.raw is its node's own/],
      [{ boot, xen: { type: "pv" } }, /shadow paging/],
    ];
    for (const [spec, why] of refused) {
      const plan = source.planOf(spec);
      await source.driver.start(plan, noAbort());
      const move = new Move(source, source, plan);
      await rejects(
        source.driver.migration!.offer(plan.uid, move.transfer, noAbort()),
        { code: "unsupported", message: why },
      );
    }
  },
);

Deno.test(
  "xen: a target that does not come to listen says so, and nothing stays of it",
  async () => {
    await using source = await FakeXenNode.open();
    await using target = await FakeXenNode.open({ start_timeout: "1ms" });
    const plan = await startNew(source);
    await rejects(new Move(source, target, plan).prepare(), {
      code: "timed_out",
      message: /waited \d+ s for the process that awaits it/,
    });
    deepStrictEqual(await target.leftovers(plan.uid), []);
    await until(
      "the process that came too late has ended",
      () => !listPids().some((pid) => isIn(target, readArguments(pid))),
      target,
    );
    deepStrictEqual(await target.leftovers(plan.uid), []);
    deepStrictEqual(await stateOf(source, plan.uid), "running");
  },
);

function isIn({ dir }: FakeXenNode, args: readonly string[]): boolean {
  return args.some((arg) => arg.startsWith(`${dir}/state/moves`));
}

moveTest("a host without room refuses before anything moves", async (move) => {
  const { source, target, plan } = move;
  target.break("small");
  await rejects(move.prepare(), {
    code: "insufficient_resources",
    message: /it needs 136 MiB, and Xen has 100 MiB free/,
  });
  deepStrictEqual(await target.leftovers(plan.uid), []);
  deepStrictEqual(await stateOf(source, plan.uid), "running");
});

moveTest(
  "a shared disk stays where it is, and a guest that is off moves without a connection",
  async ({ source, target }) => {
    const image = `${source.dir}/image.raw`;
    await Deno.writeTextFile(image, "");
    const plan = source.planOf({
      boot: { kernel: source.xl },
      disks: [{ path: image, format: "raw", shared: true }],
    });
    await source.driver.start(plan, noAbort());
    await source.driver.stop(plan.uid, { graceMs: 0, signal: noAbort() });
    const move = new Move(source, target, plan);
    move.transfer = { ...move.transfer, live: false };
    await move.prepare();
    await move.send();
    deepStrictEqual(await move.act("target", "activate"), "stopped");
    deepStrictEqual(await move.act("source", "release"), "absent");
    await target.driver.start({ ...plan, incarnation: "there" }, noAbort());
    deepStrictEqual(await target.occupants(), [plan.uid]);
  },
);
