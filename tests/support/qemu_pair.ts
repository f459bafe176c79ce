/**
 * Two nodes with the qemu driver on one machine, and one guest that moves from
 * the first to the second, act by act as the controller asks for them.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { DomainPlan, Migration } from "../../src/driver/driver.ts";
import type { Transfer } from "../../src/schema/frame.ts";
import type { Progress } from "../../src/schema/operation.ts";
import type { MigrateOptions } from "../../src/schema/migrate.ts";
import { newId } from "../../src/sys/id.ts";
import { readLiving, readProcess } from "../../src/sys/process_table.ts";
import { noAbort } from "../conformance/driver/harness.ts";
import {
  GUEST,
  QemuNode,
  type QemuNodeOptions,
  whyNoQemu,
} from "./qemu_node.ts";
import { until } from "./wait.ts";

/** Two nodes, n1 and n2, that know each other. */
export interface Pair {
  readonly n1: QemuNode;
  readonly n2: QemuNode;
}

/** Declares a test on two nodes of its own; `second` is about n2. */
export function pairTest(
  name: string,
  fn: (pair: Pair) => Promise<void>,
  second: QemuNodeOptions = {},
): void {
  Deno.test({
    name: `qemu: ${name}`,
    ignore: whyNoQemu() !== undefined,
    async fn() {
      await using n1 = await QemuNode.open();
      await fn({ n1, n2: await n1.peer({ name: "n2", ...second }) });
    },
  });
}

/** One move of a domain. */
export class Move {
  readonly source: QemuNode;
  readonly target: QemuNode;
  readonly plan: DomainPlan;
  readonly progress: Progress[] = [];
  transfer: Transfer;

  constructor(
    source: QemuNode,
    target: QemuNode,
    plan: DomainPlan,
    { live = true, ...options }: Partial<MigrateOptions> & { live?: boolean } =
      {},
  ) {
    this.source = source;
    this.target = target;
    this.plan = plan;
    this.transfer = {
      id: newId(),
      peer: "",
      live,
      options: { autoConverge: true, postCopy: false, ...options },
      offer: null,
      ticket: null,
    };
  }

  get uid(): string {
    return this.plan.uid;
  }

  async offer(): Promise<void> {
    const offer = await this.#acts(this.source)
      .offer(this.uid, this.#to(this.target), noAbort());
    this.transfer = { ...this.transfer, offer };
  }

  async receive(): Promise<void> {
    const ticket = await this.#acts(this.target)
      .receive(this.plan, this.#to(this.source), noAbort());
    this.transfer = { ...this.transfer, ticket };
  }

  async prepare(): Promise<void> {
    await this.offer();
    await this.receive();
  }

  /** Sends; what comes of it is for the caller to await. */
  send(): Promise<void> {
    const sent = this.#acts(this.source).send(
      this.uid,
      this.#to(this.target),
      (progress) => this.progress.push(progress),
      noAbort(),
    ).then(({ state }) => strictEqual(state, "migrating"));
    sent.catch(() => {});
    return sent;
  }

  /** Waits until something of `phase` is on its way. */
  async untilSending(phase: "disks" | "memory"): Promise<void> {
    await until(
      `${phase} are being sent`,
      () => this.progress.some((its) => its.phase === phase),
      this.source,
    );
  }

  /** Waits until the target has some of the memory: until then it takes another connection. */
  async untilFlowing(): Promise<void> {
    await until("memory flows", async () => {
      const { ram } = await this.source.qmp(this.uid, "query-migrate") as {
        ram?: { transferred: number };
      };
      return (ram?.transferred ?? 0) > 0;
    }, this.source);
  }

  async activate(): Promise<string> {
    return (await this.#acts(this.target)
      .activate(this.uid, this.#to(this.source), noAbort())).state;
  }

  async abort(): Promise<string> {
    return (await this.#acts(this.source)
      .abort(this.uid, this.#to(this.target), noAbort())).state;
  }

  async releaseSource(): Promise<void> {
    const { state } = await this.#acts(this.source)
      .release(this.uid, this.#to(this.target), noAbort());
    strictEqual(state, "absent");
  }

  async releaseTarget(): Promise<void> {
    const { state } = await this.#acts(this.target)
      .release(this.uid, this.#to(this.source), noAbort());
    strictEqual(state, "absent");
  }

  /** All of it. */
  async whole(): Promise<void> {
    await this.prepare();
    await this.send();
    await this.activate();
    await this.releaseSource();
  }

  /** Takes it back, and checks that nothing shows that it was tried. */
  async undo(state = "running"): Promise<void> {
    strictEqual(await this.abort(), state);
    await this.releaseTarget();
    deepStrictEqual(await this.target.leftovers(this.uid), []);
    deepStrictEqual(await this.target.occupants(), []);
    strictEqual(await this.stateAt(this.source), state);
  }

  async stateAt(node: QemuNode): Promise<string> {
    return (await node.driver.inspect(this.uid, noAbort())).state;
  }

  #acts({ driver }: QemuNode): Migration {
    ok(driver.migration !== undefined);
    return driver.migration;
  }

  #to({ name }: QemuNode): Transfer {
    return { ...this.transfer, peer: name };
  }
}

/** A running boot sector on an overlay, which is a disk of its node's own. */
export async function started({ n1 }: Pair): Promise<DomainPlan> {
  const base = `${GUEST}/boot.raw`;
  const plan = n1.planOf({ disks: [{ base, format: "raw" }] });
  await n1.driver.start(plan, noAbort());
  await n1.guestUp(plan.uid);
  return plan;
}

/** Kills the process of a domain, and waits until nothing is left of it. */
export async function killed(node: QemuNode, uid: string): Promise<void> {
  const id = readProcess(node.pidOf(uid));
  ok(id !== null);
  Deno.kill(id.pid, "SIGKILL");
  // One that is about to end has lost its arguments already.
  await until("its QEMU has ended", () => readLiving(id) === null, node);
}
