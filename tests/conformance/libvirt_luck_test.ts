/**
 * libvirt's bad luck: a daemon that goes, hangs, or is missing, a virsh that
 * does, and what a node has not got.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import { uuidOfUid } from "../../src/driver/identity.ts";
import { openLibvirtDriver } from "../../src/driver/libvirt/mod.ts";
import { machineCapacity } from "../../src/sys/machine.ts";
import { openTerminalChild } from "../../src/sys/terminal_child.ts";
import { LibvirtNode, libvirtTest } from "../support/libvirt_node.ts";
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

/** Drivers on no libvirt of the tests' own; what they kept goes with it. */
async function openAlone() {
  const dir = await Deno.makeTempDir({ prefix: "uvp" });
  const context = {
    node: "n1",
    stateDir: `${dir}/state`,
    runDir: `${dir}/run`,
    log() {},
  };
  return {
    dir,
    open: (config: Record<string, unknown>) =>
      openLibvirtDriver(context, config),
    async [Symbol.asyncDispose]() {
      await Deno.remove(dir, { recursive: true });
    },
  };
}

libvirtTest(
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

libvirtTest(
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

libvirtTest(
  "a node without memory is told by the code that other drivers have for it, and nothing is left",
  async (node) => {
    const { spec } = await node.plan();
    const plan = node.planOf({ disks: spec.disks, memoryMiB: 4096 });
    await node.machine.hook("ulimit -v 2000000\n");
    await rejectsWith(
      node.driver.start(plan, noAbort()),
      "insufficient_resources",
    );
    deepStrictEqual(await node.leftovers(plan.uid), []);
  },
);

libvirtTest(
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

libvirtTest(
  "a disk that another VM uses is named with that VM",
  async (node) => {
    const holder = await startNew(node);
    const plan = node.planOf({ disks: holder.spec.disks });
    const error = await node.driver.start(plan, noAbort())
      .then(() => null, (error) => error);
    deepStrictEqual(error?.code, "busy");
    match(error.message, new RegExp(`in use by VM "${holder.name}"`));
    deepStrictEqual(await node.leftovers(plan.uid), []);
  },
);

libvirtTest(
  "a disk that a domain of others uses is named with that domain",
  async (node) => {
    const { spec: { disks } } = await node.plan();
    const name = await node.plantForeign(undefined, { disk: disks[0]!.path! });
    const plan = node.planOf({ disks });
    const error = await node.driver.start(plan, noAbort())
      .then(() => null, (error) => error);
    deepStrictEqual([error?.code, error?.details.holder], ["busy", undefined]);
    match(
      error.message,
      new RegExp(`in use by domain "${name}", which usher did not make`),
    );
    deepStrictEqual(await node.leftovers(plan.uid), []);
  },
);

libvirtTest(
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

libvirtTest(
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

libvirtTest(
  "what libvirt has not got is refused before it is asked",
  async (node) => {
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
  },
);

libvirtTest(
  "a virsh that warns before it answers, of a version that nobody knows, is understood",
  async (node) => {
    const { machine, dir } = node;
    const virsh = `${dir}/virsh`;
    const script = [
      "#!/bin/sh",
      'echo "warning: virsh is not what it was"',
      'echo "2026-01-01: warning : odd" >&2',
      'case "$*" in *version*) echo "Flavour: of tomorrow"; exit;; esac',
      'exec virsh "$@"',
    ];
    await Deno.writeTextFile(virsh, script.join("\n"), { mode: 0o755 });
    await using warned = await LibvirtNode.open(machine, { config: { virsh } });
    const { uid } = await startNew(warned);
    await checkListed(warned, uid, "running");
    const probe = await warned.driver.probe(noAbort());
    deepStrictEqual(probe.health, "healthy");
    deepStrictEqual(
      "version" in probe && [probe.version, probe.machine],
      ["unknown", await machineCapacity()],
    );
    await powerOff(warned, uid);
  },
);

Deno.test({
  name: "libvirt: a node without virsh, and one without a daemon, say so",
  ignore,
  async fn() {
    await using alone = await openAlone();
    const told = async (config: Record<string, unknown>) => {
      await using driver = await alone.open(config);
      await rejectsWith(driver.list(noAbort()), "unavailable");
      const probe = await driver.probe(noAbort());
      return [probe.health, "reason" in probe ? probe.reason : ""];
    };
    deepStrictEqual(await told({ virsh: "/nowhere/virsh" }), [
      "undetected",
      "/nowhere/virsh is not installed",
    ]);
    const uri = `qemu+unix:///system?socket=${alone.dir}/none`;
    deepStrictEqual(await told({ uri }), [
      "unhealthy",
      "libvirtd: no such socket",
    ]);
  },
});

Deno.test({
  name: "libvirt: a URI that leads to another hypervisor is told by the probe",
  ignore,
  async fn() {
    await using alone = await openAlone();
    // Part of each libvirt; what it has it makes up.
    await using driver = await alone.open({ uri: "test:///default" });
    const probe = await driver.probe(noAbort());
    deepStrictEqual(probe.health, "unhealthy");
    match(
      "reason" in probe ? probe.reason : "",
      /^libvirtd: test:\/\/\/default runs TEST \S+, and VMs here need QEMU/,
    );
  },
});

Deno.test("libvirt: a virsh that hangs, with a child that has its output, is given up in time", async () => {
  await using alone = await openAlone();
  const virsh = `${alone.dir}/virsh`;
  const pids = `${alone.dir}/pids`;
  const script = `#!/bin/sh\nsleep 600 &\necho $! >>${pids}\nwait\n`;
  await Deno.writeTextFile(virsh, script, { mode: 0o755 });
  const driver = await alone.open({ virsh, verb_timeout: "300ms" });
  try {
    await rejects(driver.list(noAbort()), {
      code: "unavailable",
      message: /libvirtd did not answer within 100 ms/,
    });
    const given = AbortSignal.abort(new Error("enough"));
    await rejects(driver.probe(given), { message: "enough" });
  } finally {
    // It ends, too, though what listens for it is such a virsh.
    await driver[Symbol.asyncDispose]();
    for (const pid of (await Deno.readTextFile(pids)).trim().split("\n")) {
      Deno.kill(Number(pid), "SIGKILL");
    }
  }
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
