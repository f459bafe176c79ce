/**
 * The micro guest under the qemu driver: a whole Linux, with its console, its
 * disk, its network card, its power button and its panic.
 *
 * @module
 */
import { match, ok, strictEqual } from "node:assert/strict";
import type { DomainCounters } from "../../src/driver/driver.ts";
import { GUEST, QemuNode, qemuTest, whyNoQemu } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";
import { noAbort } from "./driver/harness.ts";

// Two seconds on a quiet machine.
const BOOT_MS = 240_000;

/** A port that was free a moment ago. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function countersOf(node: QemuNode, uid: string) {
  const counters = (await node.driver.counters(noAbort())).get(uid);
  ok(counters !== undefined);
  return counters;
}

/** Checks that a counter of bytes grew by `mib`, and not by much more. */
function checkGrown(
  counter: "diskReadBytes" | "diskWriteBytes",
  before: DomainCounters,
  after: DomainCounters,
  mib: number,
): void {
  const grown = ((after[counter] ?? 0) - (before[counter] ?? 0)) / 1024 / 1024;
  ok(grown >= mib && grown < mib + 2, `${counter} grew by ${grown} MiB`);
}

qemuTest(
  "the micro guest reads its disk, serves HTTP through a forward, obeys its console and its power button",
  async (node) => {
    const nodePort = freePort();
    const plan = node.planGuest("", {
      disks: [{ path: `${GUEST}/disk.raw`, format: "raw", readonly: true }],
      nics: [{ kind: "user", forwards: [{ nodePort, guestPort: 80 }] }],
    });
    await node.driver.start(plan, noAbort());
    await node.untilPrinted(plan.uid, "usher-guest ready", BOOT_MS);

    match(
      await node.printed(plan.uid),
      /disk vda 32768 sectors, first line: usher-guest data disk/,
    );
    const page = await until("the guest's httpd answers", async () => {
      return await (await fetch(`http://127.0.0.1:${nodePort}/`, {
        signal: AbortSignal.timeout(10_000),
      })).text();
    }, node);
    strictEqual(page, "usher-guest http\n");
    await node.say(plan.uid, "echo $((6 * 7))-answers", "42-answers");

    const report = await node.driver.stop(plan.uid, {
      graceMs: node.deadlineMs,
      signal: noAbort(),
    });

    strictEqual(
      `${report.state}: ${report.reason}`,
      "stopped: guest shut down",
    );
  },
);

qemuTest(
  "a guest has the processors, the memory, the machine and the kernel line of its spec, and its counters tell the truth",
  async (node) => {
    const path = `${node.dir}/data.raw`;
    await Deno.copyFile(`${GUEST}/disk.raw`, path);
    const cmdline = 'usher.odd=a,b usher.odd2="c,d" -S ,';
    const plan = node.planGuest(cmdline, {
      vcpus: 2,
      memoryMiB: 192,
      qemu: { machine: "q35", cpu: "max" },
      disks: [{ path, format: "raw" }],
    });
    const { uid } = plan;
    await node.driver.start(plan, noAbort());
    await node.untilPrinted(uid, "usher-guest ready", BOOT_MS);

    await node.say(uid, "echo cpus-$(nproc)-there", "cpus-2-there");
    await node.say(uid, "free -m | grep Mem; echo memory-$((1))", "memory-1");
    const total = Number(
      /Mem:\s+(\d+)/.exec(await node.printed(uid))?.[1],
    );
    ok(total > 120 && total < 192, `${total} MiB`);
    await node.say(uid, "cat /proc/cmdline", `quiet ${cmdline}`);
    await node.say(uid, "cat /sys/class/dmi/id/product_name", "Q35");

    const before = await countersOf(node, uid);
    await node.say(
      uid,
      "dd if=/dev/vda of=/dev/null bs=1M skip=2 count=6; echo read-$((1))",
      "read-1",
    );
    await node.say(
      uid,
      "dd if=/dev/zero of=/dev/vda bs=1M count=4 conv=fsync; echo wrote-$((1))",
      "wrote-1",
    );
    const after = await countersOf(node, uid);
    checkGrown("diskReadBytes", before, after, 6);
    checkGrown("diskWriteBytes", before, after, 4);
    ok((after.cpuSeconds ?? 0) > (before.cpuSeconds ?? 0));
    ok((after.memoryMiB ?? 0) > 50 && (after.memoryMiB ?? 0) < 192 + 300);
  },
);

/** Made only where there is a boot loader to put on it. */
function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

Deno.test({
  name:
    "qemu: a guest boots a whole Linux from its disk by the disk's own boot loader, and from an overlay on it",
  ignore: whyNoQemu() !== undefined || !isThere(`${GUEST}/linux.raw`),
  async fn() {
    await using node = await QemuNode.open();
    const base = `${GUEST}/linux.raw`;
    for (
      const disk of [{ path: base, readonly: true }, { base, sizeMiB: 64 }]
    ) {
      const plan = node.planOf({
        memoryMiB: 128,
        disks: [{ ...disk, format: "raw" }],
      });
      await node.driver.start(plan, noAbort());
      await node.untilPrinted(plan.uid, "usher-guest ready", BOOT_MS);
      await node.say(plan.uid, "cat /proc/cmdline", "usher.from=disk");
      const report = await node.driver.stop(plan.uid, {
        graceMs: node.deadlineMs,
        signal: noAbort(),
      });
      strictEqual(report.reason, "guest shut down");
    }
  },
});
