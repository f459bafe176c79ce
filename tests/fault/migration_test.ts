/**
 * Real guests that are called off, cut off or killed while they move: what was
 * not switched is as it was, and of what is gone nothing is left at either end.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { layOut } from "../../src/driver/qemu/layout.ts";
import {
  type OwnProcess,
  scanProcesses,
} from "../../src/driver/qemu/process_scan.ts";
import type { Operation } from "../../src/schema/operation.ts";
import { GUEST, whyNoQemu } from "../support/qemu_node.ts";
import { TestSite } from "../support/site.ts";
import { until } from "../support/wait.ts";

const PATIENCE = { deadlineMs: 120_000, everyMs: 20 };

/** So slow that there is time to do something while it is sent. */
const BANDWIDTH = 64 * 1024;

/** Two nodes, and a guest on the first that is being sent to the second. */
class Moving implements AsyncDisposable {
  readonly #dir: string;
  readonly site: TestSite;

  private constructor(dir: string, site: TestSite) {
    this.#dir = dir;
    this.site = site;
  }

  static async start(): Promise<Moving> {
    // Short, since the paths of guests' sockets are.
    const dir = await Deno.makeTempDir({ prefix: "umv" });
    const site = await TestSite.start({
      stateDir: dir,
      nodes: 2,
      driver: "qemu",
      lnm: { drivers: { qemu: { accel: "tcg" } } },
    });
    return new Moving(dir, site);
  }

  /** A new guest called `name` on n1, which moves to n2 and is being sent. */
  async send(name: string): Promise<Operation> {
    await this.site.run("start", name, {
      on: "n1",
      spec: {
        memoryMiB: 32,
        disks: [{ base: `${GUEST}/boot.raw`, format: "raw" }],
      },
    });
    const { outcomes: [outcome] } = await this.site.submit("migrate", name, {
      to: "n2",
      bandwidth: BANDWIDTH,
    });
    return await until("it is being sent", async () => {
      const its = await this.site.operation(outcome?.operation ?? "");
      return its.step === "send" ? its : null;
    }, PATIENCE);
  }

  /** The QEMUs of a node. */
  guests(node: string): readonly OwnProcess[] {
    const layout = layOut(
      `${this.#dir}/${node}/qemu`,
      `${this.#dir}/run/${node}/qemu`,
    );
    return layout === null ? [] : scanProcesses(layout).own;
  }

  /** Kills the one QEMU of a node. */
  kill(node: string): void {
    const [guest] = this.guests(node);
    if (guest !== undefined) Deno.kill(guest.id.pid, "SIGKILL");
  }

  /** Waits until a node has so many QEMUs and keeps something of so many domains. */
  async untilLeft(node: string, guests: number, kept: number): Promise<void> {
    await until(`${node} has ${guests} guests and keeps ${kept}`, () => {
      const handles = [
        ...Deno.readDirSync(`${this.#dir}/${node}/qemu/handles`),
      ];
      const overlays = [
        ...Deno.readDirSync(`${this.#dir}/${node}/qemu/overlays`),
      ];
      const seen = [this.guests(node).length, handles.length, overlays.length];
      if (seen.join() !== [guests, kept, kept].join()) {
        throw new Error(seen.join());
      }
      return true;
    }, PATIENCE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
    for (const node of ["n1", "n2"]) {
      for (const { id } of this.guests(node)) Deno.kill(id.pid, "SIGKILL");
    }
    await Deno.remove(this.#dir, { recursive: true });
  }
}

function movingTest(name: string, fn: (moving: Moving) => Promise<void>): void {
  Deno.test({
    name,
    ignore: whyNoQemu() !== undefined,
    async fn() {
      await using moving = await Moving.start();
      await fn(moving);
    },
  });
}

movingTest(
  "a migration of a real guest is called off, taken over, and begun anew",
  async (moving) => {
    const { site } = moving;
    const { id, vm } = await moving.send("web");
    await site.call("POST", `/v1/operations/${id}/cancel`);
    strictEqual(
      (await site.untilOperation(id, "cancelled")).state,
      "cancelled",
    );
    strictEqual((await site.untilState(vm, "running")).node, "n1");
    await moving.untilLeft("n2", 0, 0);
    const again = await site.submit("migrate", "web", {
      to: "n2",
      bandwidth: BANDWIDTH,
    });
    await until("it is being sent", async () => {
      const its = await site.operation(again.outcomes[0]?.operation ?? "");
      return its.step === "send";
    }, PATIENCE);
    const { outcomes: [off] } = await site.run("poweroff", "web");
    strictEqual(off?.state, "succeeded");
    strictEqual((await site.untilState("web", "stopped")).node, "n1");
    await moving.untilLeft("n2", 0, 0);
    await moving.untilLeft("n1", 0, 1);
    const { outcomes: [cold] } = await site.run("migrate", "web");
    deepStrictEqual([cold?.state, cold?.node], ["succeeded", "n2"]);
    await moving.untilLeft("n1", 0, 0);
    await moving.untilLeft("n2", 0, 1);
    const { outcomes: [on] } = await site.run("start", "web");
    deepStrictEqual([on?.state, on?.node], ["succeeded", "n2"]);
    await site.run("destroy", "web");
    await moving.untilLeft("n2", 0, 0);
  },
);

movingTest(
  "a real guest whose target's QEMU is killed runs on where it was",
  async (moving) => {
    const { site } = moving;
    const { id } = await moving.send("web");
    moving.kill("n2");
    const { problem } = await site.untilOperation(id, "failed");
    strictEqual(problem?.code, "driver_failed");
    const { node, status } = await site.untilState("web", "running");
    strictEqual(node, "n1", status.reason);
    await moving.untilLeft("n2", 0, 0);
    await moving.untilLeft("n1", 1, 1);
    const { outcomes: [moved] } = await site.run("migrate", "web");
    deepStrictEqual([moved?.state, moved?.node], ["succeeded", "n2"]);
    await moving.untilLeft("n1", 0, 0);
  },
);

movingTest(
  "a real guest that is killed while it moves has crashed, and nothing is left at the target",
  async (moving) => {
    const { site } = moving;
    const { id } = await moving.send("web");
    moving.kill("n1");
    await site.untilOperation(id, "failed");
    strictEqual((await site.untilState("web", "crashed")).node, "n1");
    await moving.untilLeft("n2", 0, 0);
    await moving.untilLeft("n1", 0, 1);
  },
);
