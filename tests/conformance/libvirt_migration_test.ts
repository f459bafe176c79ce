/**
 * Moving guests between two real libvirtd, beyond what every driver does: disks
 * that both nodes have and disks that one has, and deaths at the switch.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import { uuidOfUid } from "../../src/driver/identity.ts";
import type { DomainPlan, Migration } from "../../src/driver/driver.ts";
import { readState } from "../../src/driver/carried/folder.ts";
import { findSenders } from "../../src/driver/carried/processes.ts";
import type { Transfer } from "../../src/schema/frame.ts";
import { newId } from "../../src/sys/id.ts";
import { LibvirtNode, sharedMachine } from "../support/libvirt_node.ts";
import { whyNoLibvirt } from "../support/libvirt_machine.ts";
import { whyNoQemu } from "../support/qemu_node.ts";
import { smallDisk } from "../support/small_disk.ts";
import { until } from "../support/wait.ts";
import {
  checkAbsent,
  checkListed,
  noAbort,
  powerOff,
  rejectsWith,
  stateOf,
} from "./driver/harness.ts";

/** Two nodes, a guest on the first, and its move to the second. */
class Move {
  readonly source: LibvirtNode;
  readonly target: LibvirtNode;
  readonly plan: DomainPlan;
  transfer: Transfer = {
    id: newId(),
    peer: "peer",
    live: true,
    options: { autoConverge: true, postCopy: false },
    offer: null,
    ticket: null,
  };

  constructor(source: LibvirtNode, target: LibvirtNode, plan: DomainPlan) {
    this.source = source;
    this.target = target;
    this.plan = plan;
  }

  get from(): Migration {
    return this.source.driver.migration!;
  }

  get to(): Migration {
    return this.target.driver.migration!;
  }

  async receive(): Promise<void> {
    const { uid } = this.plan;
    const offer = await this.from.offer(uid, this.transfer, noAbort());
    this.transfer = { ...this.transfer, offer };
    const ticket = await this.to.receive(this.plan, this.transfer, noAbort());
    this.transfer = { ...this.transfer, ticket };
  }

  async send(): Promise<void> {
    await this.receive();
    const { uid } = this.plan;
    await this.from.send(uid, this.transfer, () => {}, noAbort());
    deepStrictEqual(await stateOf(this.source, uid), "migrating");
  }

  async switch(): Promise<void> {
    const { uid } = this.plan;
    const report = await this.to.activate(uid, this.transfer, noAbort());
    deepStrictEqual(report.state, "running");
    await this.from.release(uid, this.transfer, noAbort());
    await checkAbsent(this.source, uid);
    deepStrictEqual(await this.source.leftovers(uid), []);
  }

  async undo(): Promise<void> {
    const { uid } = this.plan;
    const report = await this.from.abort(uid, this.transfer, noAbort());
    deepStrictEqual(report.state, "running", report.reason);
    await this.to.release(uid, this.transfer, noAbort());
    await checkAbsent(this.target, uid);
    deepStrictEqual(await this.target.leftovers(uid), []);
  }

  /** Checks that it is the same guest, which goes on where it was. */
  async checkGoesOn(node: LibvirtNode): Promise<void> {
    const { uid } = this.plan;
    await using stream = await node.driver.console!.attach(uid, noAbort());
    const writer = stream.writable.getWriter();
    const text = `echo-${newId()}`;
    await writer.write(new TextEncoder().encode(`${text}\r`));
    await node.untilPrinted(uid, text);
    const log = new TextDecoder().decode(
      await node.driver.console!.history(uid, 100_000),
    );
    if (node === this.target) ok(!log.includes("speaks"), "it booted again");
  }
}

type Disk = Record<string, unknown>;

/** A test of a guest with the disk that `diskOf` makes of a file. */
function moving(
  name: string,
  diskOf: (path: string) => Disk,
  fn: (move: Move) => Promise<void>,
): void {
  Deno.test({
    name: `libvirt: ${name}`,
    ignore: (whyNoLibvirt() ?? whyNoQemu()) !== undefined,
    async fn() {
      await using source = await LibvirtNode.open(await sharedMachine());
      const { spec } = await source.plan();
      const target = await source.peer();
      const plan = source.planOf({ disks: [diskOf(spec.disks[0]!.path!)] });
      await source.driver.start(plan, noAbort());
      await source.guestUp(plan.uid);
      const move = new Move(source, target, plan);
      await fn(move);
      for (const node of [source, target]) {
        if (await stateOf(node, plan.uid) === "absent") continue;
        await powerOff(node, plan.uid);
      }
    },
  });
}

const shared = (path: string): Disk => ({ path, format: "raw", shared: true });
const overlay = (path: string): Disk => ({ base: path, format: "raw" });

moving(
  "a guest moves with a disk that both nodes see, and goes on there",
  shared,
  async (move) => {
    await move.send();
    await move.switch();
    await move.checkGoesOn(move.target);
    const { uid } = move.plan;
    await powerOff(move.target, uid);
    // It is defined there, as usher's own.
    await move.target.reopen();
    await checkListed(move.target, uid, "stopped");
    await move.target.driver.start(
      { ...move.plan, incarnation: "2" },
      noAbort(),
    );
    await move.target.guestUp(uid);
  },
);

moving(
  "a guest moves with an overlay of its own, which stands on no base there",
  overlay,
  async (move) => {
    const { uid } = move.plan;
    await move.send();
    await move.switch();
    await move.checkGoesOn(move.target);
    const image = move.target.layout.overlay(uid, 0);
    const { stdout } = await new Deno.Command("qemu-img", {
      args: ["info", "--force-share", "--output=json", image],
    }).output();
    const info = JSON.parse(new TextDecoder().decode(stdout));
    deepStrictEqual([info.format, info["backing-filename"]], [
      "qcow2",
      undefined,
    ]);
    await powerOff(move.target, uid);
    await Deno.remove(move.plan.spec.disks[0]!.base!);
    await move.target.driver.start(
      { ...move.plan, incarnation: "2" },
      noAbort(),
    );
    await checkListed(move.target, uid, "running");
  },
);

moving(
  "a move with disks that is called off leaves no image, and the guest writes on",
  overlay,
  async (move) => {
    await move.send();
    await move.undo();
    await move.checkGoesOn(move.source);
  },
);

moving(
  "a VM that is off moves with its overlay, once what carries it lives and nobody calls it off, and boots there",
  overlay,
  async ({ source, target, plan }) => {
    const { uid } = plan;
    await powerOff(source, uid);
    const begin = () => {
      const move = new Move(source, target, plan);
      move.transfer = { ...move.transfer, live: false };
      return move;
    };
    const undo = async ({ from, to, transfer }: Move) => {
      const { state } = await from.abort(uid, transfer, noAbort());
      deepStrictEqual(state, "stopped");
      await to.release(uid, transfer, noAbort());
      deepStrictEqual(await target.leftovers(uid), []);
    };
    const dead = begin();
    await dead.receive();
    const carrier = await readState(target.layout.files(uid).move);
    Deno.kill(carrier!.pid, "SIGKILL");
    await rejectsWith(
      dead.from.send(uid, dead.transfer, () => {}, noAbort()),
      "driver_failed",
    );
    await undo(dead);
    const calledOff = begin();
    await calledOff.send();
    await undo(calledOff);

    const move = begin();
    await move.send();
    const { state } = await move.to.activate(uid, move.transfer, noAbort());
    deepStrictEqual(state, "stopped");
    await move.from.release(uid, move.transfer, noAbort());
    deepStrictEqual(await source.leftovers(uid), []);
    deepStrictEqual(findSenders(uid), []);
    await target.driver.start({ ...plan, incarnation: "2" }, noAbort());
    await target.guestUp(uid);
  },
);

moving(
  "a file that is there already at the target is not written to",
  (path) => ({ path, format: "raw" }),
  async (move) => {
    await rejectsWith(move.receive(), "already_exists");
    deepStrictEqual(await stateOf(move.target, move.plan.uid), "absent");
    deepStrictEqual(await stateOf(move.source, move.plan.uid), "running");
  },
);

moving(
  "a target whose disk has no room refuses before anything moves, and the guest runs on",
  overlay,
  async (move) => {
    const { source, target, plan: { uid } } = move;
    const { overlays } = target.layout;
    await using _disk = await smallDisk(overlays, "64k");
    await rejects(move.receive(), {
      code: "insufficient_resources",
      message: /its disks need \d+ MiB in \S+\/overlays, which has \d+$/,
    });
    deepStrictEqual(await target.leftovers(uid), []);
    deepStrictEqual(await stateOf(source, uid), "running");
  },
);

moving(
  "what carries a domain dies at the switch: it is taken back, and moves again",
  shared,
  async (move) => {
    const { uid } = move.plan;
    await move.send();
    for (const node of [move.source, move.target]) {
      const state = await readState(node.layout.files(uid).move);
      Deno.kill(state!.pid, "SIGKILL");
    }
    // Nothing lets a guest run by itself.
    const info = await move.source.machine.virsh("domstate", uuidOfUid(uid));
    deepStrictEqual(info, "paused");
    await move.undo();
    await move.checkGoesOn(move.source);
    const again = new Move(move.source, move.target, move.plan);
    await again.send();
    await again.switch();
  },
);

moving(
  "virsh dies at the switch: the source stands still, and the target goes on",
  shared,
  async (move) => {
    const { uid } = move.plan;
    await move.send();
    for (const { pid } of findSenders(uid)) Deno.kill(pid, "SIGKILL");
    await until("virsh is gone", () => findSenders(uid).length === 0);
    const { machine } = move.source;
    deepStrictEqual(await machine.virsh("domstate", uuidOfUid(uid)), "paused");
    await move.switch();
    await move.checkGoesOn(move.target);
  },
);

moving(
  "the source's daemon is killed at the switch: its guest stands still until it is taken back",
  shared,
  async (move) => {
    const { uid } = move.plan;
    await move.send();
    move.source.machine.stop();
    await move.source.machine.start();
    const { machine } = move.source;
    deepStrictEqual(await machine.virsh("domstate", uuidOfUid(uid)), "paused");
    await move.undo();
    await move.checkGoesOn(move.source);
  },
);

moving(
  "a target that is gone before it has all fails the move, with libvirt's words",
  shared,
  async (move) => {
    const { uid } = move.plan;
    await move.receive();
    move.target.machine.stop();
    const error = await move.from.send(uid, move.transfer, () => {}, noAbort())
      .then(() => null, (error) => error);
    deepStrictEqual(error?.code, "driver_failed");
    match(error.message, /^Cannot move VM /);
    await checkListed(move.source, uid, "running");
    await move.target.machine.start();
    await move.undo();
  },
);
