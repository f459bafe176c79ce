/**
 * What the qemu driver promises of disks: which it takes, which it refuses and
 * in whose favour, and what it makes of a base.
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
import type { DomainPlan } from "../../src/driver/driver.ts";
import { isUsherError } from "../../src/error/mod.ts";
import { GUEST, QemuNode, qemuTest, whyNoQemu } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";
import { noAbort, powerOff, startAndStop, startNew } from "./driver/harness.ts";

/** A VM with this one disk. */
function planOfDisk(
  node: QemuNode,
  disk: Record<string, unknown>,
): DomainPlan {
  return node.planOf({ disks: [{ format: "raw", ...disk }] });
}

/** What qemu-img says. */
async function imageTool(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("qemu-img", {
    args,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

qemuTest(
  "a disk in use by another VM is named, and so is that VM",
  async (node) => {
    const first = await startNew(node, "disk");
    const second = { ...await node.plan(), spec: first.spec };
    await rejects(node.driver.start(second, noAbort()), {
      code: "busy",
      message: new RegExp(
        `${first.spec.disks[0]?.path} is in use by VM "${first.name}"`,
      ),
    });
    strictEqual(
      (await node.driver.inspect(second.uid, noAbort())).state,
      "absent",
    );
  },
);

qemuTest("a disk in use is known under every name it has", async (node) => {
  const first = await startNew(node, "disk");
  const path = first.spec.disks[0]!.path!;
  await Deno.symlink(path, `${node.dir}/symbolic.raw`);
  await Deno.link(path, `${node.dir}/hard.raw`);
  await Deno.symlink(node.dir, `${node.dir}/folder`);
  const names = [
    `${node.dir}/symbolic.raw`,
    `${node.dir}/hard.raw`,
    `${node.dir}/state/../${path.split("/").at(-1)}`,
    path.replace(node.dir, `${node.dir}/folder/`),
  ];
  for (const name of names) {
    const second = planOfDisk(node, { path: name });
    await rejects(node.driver.start(second, noAbort()), (error) => {
      ok(isUsherError(error, "busy"), String(error));
      strictEqual(error.details.holder, first.name);
      strictEqual(
        error.message,
        `Cannot start VM "${second.name}": ${name} is in use by VM "${first.name}"`,
      );
      return true;
    });
    deepStrictEqual(await node.leftovers(second.uid), []);
  }
  deepStrictEqual(await node.occupants(), [first.uid]);
});

qemuTest(
  "of VMs that start at once with one disk, one runs and the others are told which",
  async (node) => {
    const { spec } = await node.plan();
    const plans = Array.from({ length: 4 }, () => node.planOf({ ...spec }));

    const results = await Promise.allSettled(
      plans.map((plan) => node.driver.start(plan, noAbort())),
    );

    const won = plans.filter((_, at) => results[at]?.status === "fulfilled");
    strictEqual(won.length, 1, JSON.stringify(results));
    for (const result of results) {
      if (result.status === "fulfilled") continue;
      strictEqual(result.reason.code, "busy");
      match(result.reason.message, /is in use by VM "web-/);
    }
    deepStrictEqual(await node.occupants(), [won[0]?.uid]);
  },
);

qemuTest(
  "the holder of a disk is named by an LNM that had lost its handle",
  async (node) => {
    const first = await startNew(node, "disk");
    await node.loseHandle(first.uid);
    await node.reopen();
    const second = planOfDisk(node, { path: first.spec.disks[0]!.path });
    await rejects(node.driver.start(second, noAbort()), {
      code: "busy",
      message: new RegExp(`in use by VM "${first.name}"`),
    });
  },
);

qemuTest(
  "a base that another VM writes to is refused, and so is writing to the base of another",
  async (node) => {
    const writer = await startNew(node);
    const base = writer.spec.disks[0]!.path!;
    const reader = planOfDisk(node, { base });
    await rejects(node.driver.start(reader, noAbort()), {
      code: "busy",
      message: new RegExp(`${base} is in use by VM "${writer.name}"`),
    });
    deepStrictEqual(await node.leftovers(reader.uid), []);
    await powerOff(node, writer.uid);

    await node.driver.start(reader, noAbort());

    await rejects(node.driver.start(writer, noAbort()), {
      code: "busy",
      message: new RegExp(`${base} is in use by VM "${reader.name}"`),
    });
    const sibling = planOfDisk(node, { base });
    strictEqual(
      (await node.driver.start(sibling, noAbort())).state,
      "running",
      "two overlays share a base",
    );
  },
);

qemuTest(
  "one file as two disks of a VM is refused by name, unless nobody writes",
  async (node) => {
    const { spec } = await node.plan();
    const path = spec.disks[0]!.path!;
    const other = `${node.dir}/other.raw`;
    await Deno.symlink(path, other);
    const twice = (readonly: boolean) =>
      node.planOf({
        disks: [path, other].map((path) => ({ path, format: "raw", readonly })),
      });
    await rejects(node.driver.start(twice(false), noAbort()), {
      code: "invalid_input",
      message: /other\.raw and .* are the same file/,
    });
    strictEqual(
      (await node.driver.start(twice(true), noAbort())).state,
      "running",
    );
  },
);

qemuTest(
  "an overlay boots from a qcow2 base, grows when it is told to, and never shrinks",
  async (node) => {
    const base = `${node.dir}/base.qcow2`;
    await imageTool(
      ...["convert", "-f", "raw", "-O", "qcow2"],
      ...[`${GUEST}/boot.raw`, base],
    );
    await imageTool("resize", base, "16M");
    const of = (sizeMiB: number) =>
      node.planOf({ disks: [{ base, format: "qcow2", sizeMiB }] });
    const small = of(8);
    await rejects(node.driver.start(small, noAbort()), {
      code: "invalid_input",
      message: /overlay of 8 MiB cannot hold .*base\.qcow2, which has 16 MiB/,
    });
    deepStrictEqual(await node.leftovers(small.uid), []);

    const large = of(32);
    await node.driver.start(large, noAbort());

    await node.guestUp(large.uid);
    const overlay = node.layout.overlay(large.uid, 0);
    const told = await imageTool("info", "-U", "--output=json", overlay);
    strictEqual(JSON.parse(told)["virtual-size"], 32 * 1024 * 1024);
  },
);

qemuTest(
  "an overlay that the disk has no room for fails the start, and leaves nothing",
  async (node) => {
    const base = (await node.plan()).spec.disks[0]!.path!;
    // A limit on the size of files stands in for a full disk: it, too, stops the writing midway.
    await Deno.writeTextFile(
      `${node.dir}/qemu-img`,
      "#!/bin/sh\ntrap '' XFSZ\nulimit -f 8\nexec qemu-img \"$@\"\n",
      { mode: 0o755 },
    );
    const plan = planOfDisk(node, { base });
    await rejects(node.driver.start(plan, noAbort()), {
      code: "driver_failed",
      message: new RegExp(
        `Cannot start VM "${plan.name}": cannot make an overlay on ${base}: .*too large`,
      ),
    });
    deepStrictEqual(await node.leftovers(plan.uid), []);
    // Of a domain that there was before, only the overlay goes: a part of one
    // would be taken for a whole one at the next start.
    const stopped = await startAndStop(node);
    await rejects(
      node.driver.start({ ...stopped, spec: plan.spec }, noAbort()),
      { code: "driver_failed" },
    );
    await rejects(
      Deno.stat(node.layout.overlay(stopped.uid, 0)),
      Deno.errors.NotFound,
    );
    await Deno.remove(`${node.dir}/qemu-img`);
    strictEqual((await node.driver.start(plan, noAbort())).state, "running");
  },
);

qemuTest(
  "a power cut ends the making of an overlay that hangs",
  async (node) => {
    const base = (await node.plan()).spec.disks[0]!.path!;
    const began = `${node.dir}/began`;
    await Deno.writeTextFile(
      `${node.dir}/qemu-img`,
      // The last argument is the overlay, of which it makes a half.
      `#!/bin/sh\nfor last; do :; done\necho half >"$last"\n: >'${began}'\nexec sleep 3600\n`,
      { mode: 0o755 },
    );
    const plan = planOfDisk(node, { base });
    const start = node.driver.start(plan, noAbort());
    start.catch(() => {});
    await until("it hangs", async () => (await Deno.stat(began)).isFile, node);
    strictEqual(
      (await node.driver.inspect(plan.uid, noAbort())).state,
      "starting",
    );
    await powerOff(node, plan.uid);
    await rejects(start, { code: "driver_failed", message: /powered off/ });
    await rejects(
      Deno.stat(node.layout.overlay(plan.uid, 0)),
      Deno.errors.NotFound,
    );
    await Deno.remove(`${node.dir}/qemu-img`);
    await node.driver.start(plan, noAbort());
    await node.guestUp(plan.uid);
  },
);

qemuTest(
  "files that are not there or are no files are named before anything starts",
  async (node) => {
    const pipe = `${node.dir}/pipe`;
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    for (const path of [`${node.dir}/none.raw`, node.dir, pipe]) {
      const plan = node.planOf({ disks: [{ path, format: "raw" }] });
      await rejects(node.driver.start(plan, noAbort()), {
        code: "invalid_input",
        message: new RegExp(path),
      });
    }
    const nothing = node.planOf({});
    await rejects(node.driver.start(nothing, noAbort()), {
      code: "invalid_input",
      message: /neither a kernel nor/,
    });
  },
);

qemuTest(
  "an overlay takes the writes, survives a stop and goes with forget",
  async (node) => {
    const { spec } = await node.plan();
    const base = spec.disks[0]!.path!;
    const plan = node.planOf({ disks: [{ base, format: "raw", sizeMiB: 8 }] });
    await node.driver.start(plan, noAbort());
    await node.guestUp(plan.uid);
    const overlay = node.layout.overlay(plan.uid, 0);
    await powerOff(node, plan.uid);
    ok((await Deno.stat(overlay)).size > 0);
    await node.driver.start(plan, noAbort());
    await powerOff(node, plan.uid);
    await node.driver.forget(plan.uid, noAbort());
    await rejects(Deno.stat(overlay), Deno.errors.NotFound);
    ok((await Deno.stat(base)).isFile);
  },
);

/** A loop device over `file`; null where none can be made. */
async function attachLoop(file: string): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command("losetup", {
      args: ["--find", "--show", file],
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch {
    return null;
  }
}

async function detachLoop(device: string): Promise<void> {
  await new Deno.Command("losetup", { args: ["--detach", device] }).output();
}

/** Whether this machine lets us make block devices. */
async function areLoopsAllowed(): Promise<boolean> {
  const file = await Deno.makeTempFile();
  await Deno.truncate(file, 4096);
  const device = await attachLoop(file);
  if (device !== null) await detachLoop(device);
  await Deno.remove(file);
  return device !== null;
}

Deno.test({
  name: "qemu: a block device of the node is a disk, and a base for overlays",
  ignore: whyNoQemu() !== undefined || !await areLoopsAllowed(),
  async fn() {
    await using node = await QemuNode.open();
    const file = `${node.dir}/volume`;
    await Deno.copyFile(`${GUEST}/boot.raw`, file);
    const device = await attachLoop(file);
    ok(device !== null);
    try {
      for (const disk of [{ path: device }, { base: device, sizeMiB: 8 }]) {
        const plan = planOfDisk(node, disk);
        await node.driver.start(plan, noAbort());
        await node.guestUp(plan.uid);
        const other = planOfDisk(node, { path: device });
        await rejects(node.driver.start(other, noAbort()), {
          code: "busy",
          message: new RegExp(`${device} is in use by VM "${plan.name}"`),
        });
        await powerOff(node, plan.uid);
      }
    } finally {
      await detachLoop(device);
    }
  },
});
