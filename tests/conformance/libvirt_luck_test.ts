/**
 * libvirt's bad luck: a daemon that goes, hangs, or is missing, and people who
 * work with virsh beside usher.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { uuidOfUid } from "../../src/driver/identity.ts";
import { openLibvirtDriver } from "../../src/driver/libvirt/mod.ts";
import { machineCapacity } from "../../src/sys/machine.ts";
import { openTerminalChild } from "../../src/sys/terminal_child.ts";
import {
  LibvirtNode,
  type LibvirtNodeOptions,
  sharedMachine,
} from "../support/libvirt_node.ts";
import { countLibvirtGuests } from "../../src/driver/libvirt/counting.ts";
import { LibvirtMachine, whyNoLibvirt } from "../support/libvirt_machine.ts";
import { whyNoQemu } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";
import {
  checkListed,
  listed,
  noAbort,
  powerOff,
  rejectsWith,
  startAndStop,
  startNew,
  untilState,
  Watching,
} from "./driver/harness.ts";

const ignore = (whyNoLibvirt() ?? whyNoQemu()) !== undefined;

/** A test on a node of its own. */
function luck(
  name: string,
  fn: (node: LibvirtNode) => Promise<void>,
  options: LibvirtNodeOptions = {},
): void {
  Deno.test({
    name: `libvirt: ${name}`,
    ignore,
    async fn() {
      await using node = await LibvirtNode.open(await sharedMachine(), options);
      await fn(node);
    },
  });
}

/** Runs virsh by hand on a domain of ours. */
async function byHand(
  node: LibvirtNode,
  command: string,
  uid: string,
  ...more: string[]
): Promise<void> {
  await node.machine.virsh(command, uuidOfUid(uid), ...more);
}

luck(
  "the daemon is killed and comes back: guests run on, and watch tells what it missed",
  async (node) => {
    const { machine } = node;
    const kept = await startNew(node);
    const lost = await startNew(node);
    await using watching = new Watching(node);

    machine.stop();
    await rejectsWith(node.driver.list(noAbort()), "unavailable");
    await rejectsWith(
      node.driver.start(await node.plan(), noAbort()),
      "unavailable",
    );
    deepStrictEqual((await node.driver.probe(noAbort())).health, "unhealthy");
    await node.crashGuest(lost.uid);
    await machine.start();

    await watching.until(lost.uid, "crashed");
    await checkListed(node, kept.uid, "running");
    deepStrictEqual(await node.occupants(), [kept.uid]);
    await powerOff(node, kept.uid);
    await watching.until(kept.uid, "stopped");
  },
);

luck(
  "a daemon that hangs is unavailable within the deadline, and all is as before when it goes on",
  async (node) => {
    const { uid } = await startNew(node);
    node.machine.freeze("SIGSTOP");
    try {
      await rejectsWith(node.driver.list(noAbort()), "unavailable");
      await rejectsWith(
        node.driver.stop(uid, { graceMs: 0, signal: noAbort() }),
        "interrupted",
        "unavailable",
      );
    } finally {
      node.machine.freeze("SIGCONT");
    }
    await untilState(node, uid, "stopped", "running");
    await powerOff(node, uid);
  },
  { config: { verb_timeout: "10s" } },
);

luck(
  "a domain that is paused, renamed, destroyed and started by hand is told as it is",
  async (node) => {
    await using watching = new Watching(node);
    const { uid, incarnation } = await startNew(node);
    await byHand(node, "suspend", uid);
    await watching.until(uid, "paused");
    await byHand(node, "resume", uid);
    await watching.until(uid, "running");
    await byHand(node, "destroy", uid);
    await watching.until(uid, "stopped");
    await byHand(node, "domrename", uid, `renamed-${uid}`);
    await byHand(node, "start", uid);
    await watching.until(uid, "running");
    const report = await checkListed(node, uid, "running");
    deepStrictEqual(report.incarnation, incarnation);
    await powerOff(node, uid);
  },
);

luck(
  "a domain that was saved by hand goes on where it was, or is dropped by a power cut",
  async (node) => {
    const plan = await startNew(node);
    const { uid } = plan;
    await node.guestUp(uid);
    await byHand(node, "managedsave", uid);
    match((await untilState(node, uid, "stopped")).reason, /saved by hand/);

    await node.driver.start({ ...plan, incarnation: "2" }, noAbort());

    await checkListed(node, uid, "running");
    const log = new TextDecoder().decode(
      await node.driver.console!.history(uid, 100_000),
    );
    deepStrictEqual(log.split("speaks").length, 2, "it booted again");
    await byHand(node, "managedsave", uid);
    await powerOff(node, uid);
    const info = await node.machine.virsh("dominfo", uuidOfUid(uid));
    match(info, /Managed save: +no/);
  },
);

luck(
  "a domain that was undefined by hand is started anew, and forgotten",
  async (node) => {
    const plan = await startAndStop(node);
    const { uid } = plan;
    await byHand(node, "undefine", uid);
    await checkListed(node, uid, "stopped");
    await node.driver.start({ ...plan, incarnation: "2" }, noAbort());
    await byHand(node, "undefine", uid);
    await checkListed(node, uid, "running");
    await powerOff(node, uid);
    await checkListed(node, uid, "stopped");
    await node.driver.forget(uid, noAbort());
    deepStrictEqual(await node.leftovers(uid), []);
  },
);

luck(
  "a console that somebody has by virsh is busy, and free again after",
  async (node) => {
    const { uid } = await startNew(node);
    const { driver, machine } = node;
    const words = ["-c", machine.uri, "console", uuidOfUid(uid)];
    const somebody = openTerminalChild("virsh", words);
    const buffer = new Uint8Array(4096);
    let heard = "";
    while (!heard.includes("Escape character")) {
      const count = await somebody.read(buffer) ?? 0;
      heard += new TextDecoder().decode(buffer.subarray(0, count));
    }
    await until("the console is busy", async () => {
      await rejectsWith(driver.console!.attach(uid, noAbort()), "busy");
      return true;
    }, node);

    somebody.close();

    await until("the console is free", async () => {
      await using _stream = await driver.console!.attach(uid, noAbort());
      return true;
    }, node);
  },
);

luck("a disk that another VM uses is named with that VM", async (node) => {
  const holder = await startNew(node);
  const plan = node.planOf({ disks: holder.spec.disks });
  const error = await node.driver.start(plan, noAbort())
    .then(() => null, (error) => error);
  deepStrictEqual(error?.code, "busy");
  match(error.message, new RegExp(`in use by VM "${holder.name}"`));
  deepStrictEqual(await node.leftovers(plan.uid), []);
});

luck(
  "an overlay on a base is made, kept over a power cut, and removed with its VM",
  async (node) => {
    const { spec } = await node.plan();
    const plan = node.planOf({
      disks: [{ base: spec.disks[0]?.path, format: "raw" }],
    });
    const { uid } = plan;
    await node.driver.start(plan, noAbort());
    await node.guestUp(uid);
    await powerOff(node, uid);
    ok((await node.leftovers(uid)).includes(`${uid}-0.qcow2`));
    // libvirt's QEMU is mostly no root, and gets through to it.
    for (const folder of [node.dir, node.layout.home, node.layout.overlays]) {
      const { mode } = await Deno.stat(folder);
      deepStrictEqual((mode ?? 0) & 0o007, 1, folder);
    }
    await node.driver.start({ ...plan, incarnation: "2" }, noAbort());
    await powerOff(node, uid);
    await node.driver.forget(uid, noAbort());
    deepStrictEqual(await node.leftovers(uid), []);
  },
);

luck(
  "the guests that a node leaves are counted without a driver",
  async (node) => {
    const { home } = node.layout;
    const { uri } = node.machine;
    await startNew(node);
    await startAndStop(node);
    await node.plantForeign();
    deepStrictEqual(await countLibvirtGuests(home, { uri }), 1);
    deepStrictEqual(
      await countLibvirtGuests(`${home}/none`, { uri: "qemu:///no" }),
      0,
    );
  },
);

luck("what libvirt has not got is refused before it is asked", async (node) => {
  const { spec } = await node.plan();
  const forwards = [{ nodePort: 2222, guestPort: 22 }];
  for (
    const nic of [
      { kind: "user", forwards },
      { kind: "bridge", bridge: "br9" },
    ]
  ) {
    const plan = node.planOf({ disks: spec.disks, nics: [nic] });
    await rejectsWith(node.driver.start(plan, noAbort()), "invalid_input");
    deepStrictEqual(await listed(node, plan.uid), []);
  }
});

luck("what becomes of others' domains is told as it happens", async (node) => {
  const { machine } = node;
  await using watching = new Watching(node);
  const name = await node.plantForeign();
  const untilTold = (state: string) =>
    until(`it is told as ${state}`, () => {
      const told = watching.reports.filter((report) => report.name === name);
      return told.at(-1)?.state === state && told.at(-1)?.uid === null;
    }, node);
  await untilTold("running");
  await machine.virsh("suspend", name);
  await untilTold("paused");
  await machine.virsh("destroy", name);
  await untilTold("stopped");
  await machine.virsh("undefine", name);
  await untilTold("absent");
});

luck("a virsh that warns before it answers is understood", async (node) => {
  const { machine, dir } = node;
  const virsh = `${dir}/virsh`;
  const script = [
    "#!/bin/sh",
    'echo "warning: virsh is not what it was"',
    'echo "2026-01-01: warning : odd" >&2',
    'exec virsh "$@"',
  ];
  await Deno.writeTextFile(virsh, script.join("\n"), { mode: 0o755 });
  await using warned = await LibvirtNode.open(machine, { config: { virsh } });
  const { uid } = await startNew(warned);
  await checkListed(warned, uid, "running");
  const probe = await warned.driver.probe(noAbort());
  deepStrictEqual(probe.health, "healthy");
  deepStrictEqual(
    "machine" in probe ? probe.machine : null,
    await machineCapacity(),
  );
  await powerOff(warned, uid);
});

Deno.test({
  name: "libvirt: a node without virsh, and one without a daemon, say so",
  ignore,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "uvp" });
    const context = {
      node: "n1",
      stateDir: `${dir}/state`,
      runDir: `${dir}/run`,
      log() {},
    };
    const told = async (config: Record<string, unknown>) => {
      await using driver = await openLibvirtDriver(context, config);
      await rejectsWith(driver.list(noAbort()), "unavailable");
      const probe = await driver.probe(noAbort());
      return [probe.health, "reason" in probe ? probe.reason : ""];
    };
    deepStrictEqual(await told({ virsh: "/nowhere/virsh" }), [
      "undetected",
      "/nowhere/virsh is not installed",
    ]);
    const uri = `qemu+unix:///system?socket=${dir}/none`;
    deepStrictEqual(await told({ uri }), [
      "unhealthy",
      "libvirtd: no such socket",
    ]);
    await Deno.remove(dir, { recursive: true });
  },
});

Deno.test({
  name: "libvirt: a daemon that comes after the driver is found by it",
  ignore,
  async fn() {
    await using machine = await LibvirtMachine.open();
    machine.stop();
    await using node = await LibvirtNode.open(machine);
    await rejectsWith(node.driver.list(noAbort()), "unavailable");
    await machine.start();
    await startNew(node);
  },
});
