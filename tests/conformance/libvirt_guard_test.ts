/**
 * The guard of libvirt's guests: whatever has become of the LNM, the daemon or
 * a QEMU, what it was told of is paused when the node's lease is over, and goes
 * on as it was.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { DomainPlan } from "../../src/driver/driver.ts";
import { findSenders } from "../../src/driver/carried/processes.ts";
import { uuidOfUid } from "../../src/driver/identity.ts";
import { openLibvirtDriver } from "../../src/driver/libvirt/mod.ts";
import { newId } from "../../src/sys/id.ts";
import { isFrozen, readProcess } from "../../src/sys/process_table.ts";
import { whyNoLibvirt } from "../support/libvirt_machine.ts";
import { LibvirtNode, sharedMachine } from "../support/libvirt_node.ts";
import { whyNoQemu } from "../support/qemu_node.ts";
import { FAR, held, release, renew, startGuarded } from "../support/guarded.ts";
import { until } from "../support/wait.ts";
import {
  checkListed,
  noAbort,
  rejectsWith,
  untilState,
  Watching,
} from "./driver/harness.ts";

/** A test on a node of its own, whose guard ends with it. */
function guardTest(
  name: string,
  fn: (node: LibvirtNode) => Promise<void>,
): void {
  Deno.test({
    name: `libvirt: ${name}`,
    ignore: (whyNoLibvirt() ?? whyNoQemu()) !== undefined,
    async fn() {
      await using node = await LibvirtNode.open(await sharedMachine());
      await fn(node);
    },
  });
}

function untilHeld(node: LibvirtNode, plan: DomainPlan, how: string) {
  return until(`${plan.name} is held by ${how}`, () => {
    const found = held(node).find(({ uid }) => uid === plan.uid);
    return found?.how === how;
  }, node);
}

function isStopped(node: LibvirtNode, { uid }: DomainPlan): boolean {
  return isFrozen(readProcess(node.pidOf(uid)));
}

async function domstate(
  node: LibvirtNode,
  { uid }: DomainPlan,
): Promise<string> {
  return await node.machine.virsh("domstate", uuidOfUid(uid));
}

guardTest(
  "[15, 16] what is guarded is suspended when the lease is over, and nothing else, with no LNM there",
  async (node) => {
    const web = await startGuarded(node);
    const db = await startGuarded(node);
    const frozen = await startGuarded(node);
    const other = await node.plan();
    await node.driver.start(other, noAbort());
    await node.driver.pausing!.pause(frozen.uid, noAbort());
    deepStrictEqual(await renew(node, 1500), {
      guarded: {
        [web.uid]: web.incarnation,
        [db.uid]: db.incarnation,
        [frozen.uid]: frozen.incarnation,
      },
      held: {},
    });
    await node.driver[Symbol.asyncDispose]();
    await untilHeld(node, web, "virsh");
    await untilHeld(node, db, "virsh");
    await until(
      "it is paused",
      async () => await domstate(node, web) === "paused",
      node,
    );
    await node.reopen();
    const paused = await untilState(node, web.uid, "paused");
    strictEqual(paused.held, true);
    match(
      paused.reason,
      /^paused by its guard at [^(]*, since its node's lease was over$/,
    );
    const left = await untilState(node, frozen.uid, "paused");
    deepStrictEqual([left.held, left.reason], [undefined, ""]);
    await untilState(node, other.uid, "running");

    // A lease that is back lets nothing go by itself, nor does one that is over.
    const again = await renew(node, FAR);
    deepStrictEqual(again.held, {
      [web.uid]: web.incarnation,
      [db.uid]: db.incarnation,
    });
    await release(node, [web.uid, frozen.uid], -1);
    strictEqual(await domstate(node, web), "paused");
    await release(node, [web.uid, frozen.uid]);
    strictEqual((await untilState(node, web.uid, "running")).held, undefined);
    strictEqual(await domstate(node, frozen), "paused");
    const cut = { graceMs: 0, signal: noAbort() };
    const stopped = await node.driver.stop(db.uid, cut);
    deepStrictEqual([stopped.state, stopped.held], ["stopped", undefined]);
    deepStrictEqual((await renew(node, FAR)).held, {});
  },
);

guardTest(
  "[15, 16] with its daemon killed a QEMU is stopped by a signal, and goes on before the daemon is back",
  async (node) => {
    const web = await startGuarded(node);
    const lost = await startGuarded(node);
    await using watching = new Watching(node);
    await renew(node, 2000);
    node.machine.stop();
    try {
      await untilHeld(node, web, "signal");
      await untilHeld(node, lost, "signal");
      await until(
        "they stand still",
        () => isStopped(node, web) && isStopped(node, lost),
        node,
      );
      // What the daemon cannot tell its watchers hear from the guard.
      const runs = [[web.uid, web.incarnation], [lost.uid, lost.incarnation]];
      deepStrictEqual((await renew(node, FAR)).held, Object.fromEntries(runs));
      const told = await watching.until(web.uid, "paused");
      strictEqual(told.held, true);
      match(told.reason, /\(libvirt or its QEMU did not answer\)$/);

      await release(node, [web.uid]);
      strictEqual(isStopped(node, web), false);
      strictEqual(isStopped(node, lost), true);
      await watching.until(web.uid, "running");
      // A daemon that comes back waits for a QEMU that stands still.
      await release(node, [lost.uid]);
    } finally {
      await node.machine.start();
    }
    await untilState(node, web.uid, "running");
    await untilState(node, lost.uid, "running");
  },
);

guardTest(
  "[15, 16] with its daemon stopped likewise, and its owner resumes it",
  async (node) => {
    const web = await startGuarded(node);
    node.machine.freeze("SIGSTOP");
    try {
      await renew(node, 500);
      await untilHeld(node, web, "signal");
    } finally {
      node.machine.freeze("SIGCONT");
    }
    const paused = await untilState(node, web.uid, "paused");
    strictEqual(paused.held, true);
    await renew(node, FAR);
    const running = await node.driver.pausing!.resume(web.uid, noAbort());
    deepStrictEqual([running.state, running.held], ["running", undefined]);
    strictEqual(isStopped(node, web), false);
    deepStrictEqual(await renew(node, FAR), {
      guarded: { [web.uid]: web.incarnation },
      held: {},
    });
    // Its owner pauses it: that is no guard's doing.
    await node.driver.pausing!.pause(web.uid, noAbort());
    strictEqual((await untilState(node, web.uid, "paused")).held, undefined);
  },
);

guardTest(
  "[15, 16] a QEMU that does not answer is stopped by a signal, and runs when it does answer again",
  async (node) => {
    const web = await startGuarded(node);
    // It waits for somebody who reads, and does nothing else meanwhile.
    const pipe = `${node.dir}/pipe`;
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    const dump = { val: 0, size: 512, filename: pipe };
    const words = JSON.stringify({ execute: "pmemsave", arguments: dump });
    const stuck = node.machine.virsh(
      ...["qemu-monitor-command", uuidOfUid(web.uid), words],
    );
    stuck.catch(() => {});
    await until("it does not answer", () => isWriting(node, web), node);
    await renew(node, 500);
    await untilHeld(node, web, "signal");
    const paused = await untilState(node, web.uid, "paused");
    strictEqual(paused.held, true);

    const reading = Deno.readFile(pipe);
    await renew(node, FAR);
    await release(node, [web.uid]);
    await reading;
    await until("it is let go", async () => {
      await release(node, [web.uid]);
      return held(node).length === 0;
    }, node);
    await stuck.catch(() => {});
    strictEqual(await domstate(node, web), "running");
    strictEqual((await untilState(node, web.uid, "running")).held, undefined);
  },
);

guardTest(
  "[12, 15] a guest whose move fails is held all the same, though libvirt would have it go on",
  async (node) => {
    const target = await node.peer();
    const web = await startGuarded(node);
    const { uid } = web;
    const options = { autoConverge: true, postCopy: false };
    const transfer = {
      ...{ id: newId(), peer: "peer", live: true, options },
      ...{ offer: null, ticket: null },
    };
    const from = node.driver.migration!;
    const to = target.driver.migration!;
    const offer = await from.offer(uid, transfer, noAbort());
    const offered = { ...transfer, offer };
    const ticket = await to.receive(web, offered, noAbort());
    target.machine.freeze("SIGSTOP");
    const sending = from.send(uid, { ...offered, ticket }, () => {}, noAbort());
    const failure = rejectsWith(sending, "driver_failed");
    await until("virsh sends it", () => findSenders(uid).length > 0, node);
    await renew(node, 500);
    strictEqual((await untilState(node, uid, "paused")).held, true);
    await using watching = new Watching(node);
    target.machine.stop();
    await failure;
    await checkListed(node, uid, "paused");
    deepStrictEqual(watching.statesOf(uid).filter((s) => s === "running"), []);

    await renew(node, FAR);
    await until("it is let go", async () => {
      await release(node, [uid]);
      return held(node).length === 0;
    }, node);
    await untilState(node, uid, "running");
    strictEqual(isStopped(node, web), false);
    await target.machine.start();
    await to.release(uid, offered, noAbort());
  },
);

/** Whether its QEMU waits for a pipe to be opened. */
function isWriting(node: LibvirtNode, { uid }: DomainPlan): boolean {
  const pid = node.pidOf(uid);
  return Deno.readTextFileSync(`/proc/${pid}/wchan`).includes(
    "wait_for_partner",
  );
}

Deno.test({
  name:
    "libvirt: [15] guests of a daemon elsewhere are in no guard's hand, and the probe says so",
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "uvp" });
    const virsh = `${dir}/virsh`;
    const script = "#!/bin/sh\necho 'Using library: libvirt 9.0.0'\n";
    await Deno.writeTextFile(virsh, script, { mode: 0o755 });
    const context = {
      node: "n1",
      stateDir: `${dir}/state`,
      runDir: `${dir}/run`,
      log() {},
    };
    for (
      const [uri, isGuarded] of [
        ["qemu+ssh://root@n2/system", false],
        ["qemu://localhost/system", false],
        ["test:///default", false],
        ["qemu:///system", true],
        ["qemu:///session", true],
        ["qemu+unix:///system?socket=/run/other", true],
      ] as const
    ) {
      await using driver = await openLibvirtDriver(context, { uri, virsh });
      strictEqual(driver.guarding !== undefined, isGuarded, uri);
      const probe = await driver.probe(noAbort());
      strictEqual(probe.health, "healthy");
      strictEqual(
        probe.attributes.guarding,
        isGuarded
          ? undefined
          : "no, its guests are not processes of this machine",
        uri,
      );
    }
    await Deno.remove(dir, { recursive: true });
  },
});
