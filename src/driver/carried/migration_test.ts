/**
 * The flow of a move, whatever the hypervisor: its acts write down here what they
 * are asked, and do nothing.
 *
 * @module
 */
import { deepStrictEqual, rejects } from "node:assert/strict";
import { z } from "zod";
import { UsherError } from "../../error/mod.ts";
import type { Transfer } from "../../schema/frame.ts";
import { VmSpec } from "../../schema/vm.ts";
import type { DomainReport } from "../driver.ts";
import type { Ending } from "../ending.ts";
import { Turns } from "../turns.ts";
import type { MovingDomain } from "./domain.ts";
import { CarriedMigration, type MoveActs } from "./migration.ts";
import { type MoveRecord, newMove } from "./record.ts";

const UID = "01J00000000000000000000000";
const NAME = "web.lab.ann";
const spec = VmSpec.parse({ memoryMiB: 64 });
const plan = { uid: UID, name: NAME, generation: 1, incarnation: "1", spec };
const transfer: Transfer = {
  id: "this",
  peer: "node2",
  live: false,
  options: { autoConverge: true, postCopy: false },
  offer: { spec },
  ticket: null,
};
const Offer = z.object({ spec: VmSpec });
const never = new AbortController().signal;

/** A domain whose guest runs, unless it is on the move. */
class FakeDomain implements MovingDomain {
  readonly files = { move: "/nowhere" };
  handle = {
    uid: UID,
    name: NAME,
    move: null as MoveRecord | null,
    ending: null as Ending | null,
  };
  isLive = true;
  readonly #said: string[];

  constructor(said: string[], move: MoveRecord | null = null) {
    this.#said = said;
    this.handle.move = move;
  }

  report(): DomainReport {
    const state = this.isLive ? "running" : "stopped";
    const { uid, name } = this.handle;
    const run = { reason: "", incarnation: "1", generation: 1 };
    return { uid, domain: uid, name, state, ...run };
  }

  publish(): void {
    this.#said.push("publish");
  }

  keep(changes: Partial<FakeDomain["handle"]>): Promise<void> {
    this.#said.push(`keep ${JSON.stringify(changes)}`);
    this.handle = { ...this.handle, ...changes };
    return Promise.resolve();
  }
}

/** One node: what is asked of its hypervisor, and what there is. */
class FakeNode implements MoveActs<FakeDomain, z.infer<typeof Offer>> {
  readonly said: string[] = [];
  readonly offered = Offer;
  readonly closing = new AbortController();
  /** What is known; `there` is what a look finds besides. */
  domain: FakeDomain | undefined;
  there: FakeDomain | undefined;
  fails: Error | null = null;
  readonly migration = new CarriedMigration<
    FakeDomain,
    z.infer<typeof Offer>
  >(
    {
      node: "node1",
      closing: this.closing.signal,
      publish: ({ state }) => void this.said.push(`told ${state}`),
    },
    new Turns(),
    this,
  );

  /** Has the domain, with what its handle keeps of a move. */
  has(move: MoveRecord | null): FakeDomain {
    return this.domain = new FakeDomain(this.said, move);
  }

  known = () => this.domain;

  find() {
    this.said.push("look");
    this.domain ??= this.there;
    return Promise.resolve(this.domain);
  }

  offer() {
    return this.#does("offer", {});
  }

  takeOn() {
    return this.#does("take on", this.has(newMove(transfer, "target")));
  }

  async makeReady() {
    await this.#does("make ready", null);
    if (this.fails !== null) throw this.fails;
  }

  ticketOf({ handle }: FakeDomain) {
    return this.#does("ticket", { of: handle.move?.id });
  }

  send() {
    return this.#does("send", undefined);
  }

  async letRun(domain: FakeDomain) {
    await this.#does("let run", null);
    await domain.keep({ move: null });
  }

  takeBack() {
    return this.#does("take back", undefined);
  }

  endProcesses() {
    return this.#does("end processes", undefined);
  }

  cut() {
    return this.#does("cut", undefined);
  }

  remove() {
    this.domain = undefined;
    return this.#does("remove", undefined);
  }

  /** What was asked since it was asked last. */
  get asked(): string[] {
    return this.said.splice(0);
  }

  #does<T>(what: string, answer: T): Promise<T> {
    this.said.push(what);
    return Promise.resolve(answer);
  }
}

function nodeTest(name: string, fn: (node: FakeNode) => Promise<void>): void {
  Deno.test(`CarriedMigration ${name}`, () => fn(new FakeNode()));
}

const other = { ...transfer, id: "another" };

nodeTest("answers a second receive with the first's ticket", async (node) => {
  const { migration } = node;
  const first = await migration.receive(plan, transfer, never);
  deepStrictEqual(node.asked, [
    ...["look", "take on", "make ready", "ticket", "publish"],
  ]);
  deepStrictEqual(await migration.receive(plan, transfer, never), first);
  deepStrictEqual(node.asked, ["look", "ticket"]);
});

nodeTest("clears away an attempt that came to nothing", async (node) => {
  node.has(newMove(other, "target"));
  const ticket = await node.migration.receive(plan, transfer, never);
  deepStrictEqual(ticket, { of: "this" });
  deepStrictEqual(node.asked, [
    ...["look", "end processes", "remove", "told absent"],
    ...["take on", "make ready", "ticket", "publish"],
  ]);
});

nodeTest("takes nothing in where a domain of it is", async (node) => {
  const activating = { ...newMove(other, "target"), phase: "activating" };
  for (const move of [null, newMove(other, "source"), activating]) {
    node.has(move as MoveRecord | null);
    await rejects(node.migration.receive(plan, transfer, never), {
      code: "already_exists",
    });
    deepStrictEqual(node.asked, ["look"]);
  }
});

nodeTest("leaves nothing of what could not be made ready", async (node) => {
  node.fails = new UsherError("driver_failed", "No room");
  await rejects(node.migration.receive(plan, transfer, never), node.fails);
  deepStrictEqual(node.asked, [
    ...["look", "take on", "make ready"],
    ...["end processes", "remove", "told absent"],
  ]);

  // What an LNM leaves that ends is for the next.
  node.closing.abort();
  await rejects(node.migration.receive(plan, transfer, never), node.fails);
  deepStrictEqual(node.asked, ["look", "take on", "make ready"]);
});

nodeTest("sends one move at a time, and none that comes in", async (node) => {
  const under = [newMove(other, "source"), newMove(transfer, "target")];
  for (const move of under) {
    node.has(move);
    await rejects(node.migration.send(UID, transfer, () => {}, never), {
      code: "wrong_state",
    });
  }
  deepStrictEqual(node.asked, []);
  await rejects(node.migration.offer(UID, transfer, never), {
    code: "wrong_state",
    message: /is not here yet/,
  });
});

nodeTest("sends nothing that has been sent", async (node) => {
  node.has({ ...newMove(transfer, "source"), phase: "sent" });
  await node.migration.send(UID, transfer, () => {}, never);
  deepStrictEqual(node.asked, []);
});

nodeTest("lets run what has come, once", async (node) => {
  node.has(newMove(transfer, "target"));
  await node.migration.activate(UID, transfer, never);
  deepStrictEqual(node.asked, ["let run", 'keep {"move":null}']);
  await node.migration.activate(UID, transfer, never);
  deepStrictEqual(node.asked, []);

  node.has(newMove(transfer, "source"));
  await rejects(node.migration.activate(UID, transfer, never), {
    code: "wrong_state",
  });
});

nodeTest("takes back what it knows without a look", async (node) => {
  node.has(newMove(transfer, "source"));
  await node.migration.abort(UID, transfer, never);
  // Again after the sending is over, which may have been at its last step.
  deepStrictEqual(node.asked, ["take back", "take back"]);
});

nodeTest("looks before it says that there is nothing", async (node) => {
  const { state } = await node.migration.abort(UID, transfer, never);
  deepStrictEqual([state, node.asked], ["absent", ["look"]]);

  node.there = new FakeDomain(node.said);
  const report = await node.migration.abort(UID, transfer, never);
  deepStrictEqual(report.state, "running");
});

nodeTest(
  "releases what is elsewhere, and nothing that is here",
  async (node) => {
    const sent = { ...newMove(transfer, "source"), phase: "sent" } as const;
    for (const move of [sent, newMove(transfer, "target")]) {
      node.has(move);
      const { state } = await node.migration.release(UID, transfer, never);
      deepStrictEqual(state, "absent");
      deepStrictEqual(node.asked, [
        ...["look", "end processes", "remove", "told absent"],
      ]);
    }

    const activating = { ...newMove(transfer, "target"), phase: "activating" };
    for (const move of [null, newMove(transfer, "source"), activating]) {
      node.has(move as MoveRecord | null);
      await rejects(node.migration.release(UID, transfer, never), {
        code: "wrong_state",
        message: 'Cannot release VM "web.lab.ann": it is running here',
      });
      deepStrictEqual(node.asked, ["look"]);
    }

    node.has(null).isLive = false;
    await node.migration.release(UID, transfer, never);
  },
);

nodeTest(
  "ends a move with the domain's power, and keeps what came of it",
  async (node) => {
    const domain = node.has(newMove(transfer, "source"));
    await node.migration.powerCut(domain);
    deepStrictEqual(domain.handle.ending, {
      state: "stopped",
      reason: "powered off",
    });
    deepStrictEqual(node.asked.slice(0, 2), ["end processes", "cut"]);

    await node.migration.powerCut(domain);
    deepStrictEqual(node.asked, []);
  },
);
