/**
 * The micro guest under the qemu driver: a whole Linux, with its console, its
 * disk, its network card, its power button and its panic.
 *
 * @module
 */
import { match, strictEqual } from "node:assert/strict";
import { GUEST, qemuTest } from "../support/qemu_node.ts";
import { until } from "../support/wait.ts";
import { noAbort } from "./driver/harness.ts";

// Two seconds on a quiet machine.
const BOOT_MS = 240_000;

/** A port that was free a moment ago. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
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
    await node.untilPrinted(plan.uid, "guest# ");
    {
      await using stream = await node.driver.console!.attach(
        plan.uid,
        noAbort(),
      );
      const writer = stream.writable.getWriter();
      await writer.write(new TextEncoder().encode("echo $((6 * 7))-answers\n"));
      await node.untilPrinted(plan.uid, "42-answers");
    }

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
