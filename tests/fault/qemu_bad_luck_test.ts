/**
 * Bad luck with real QEMUs, as a client of the API sees it: a controller, an
 * LNM and guests, and what goes wrong with them.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { NodeView } from "../../src/schema/change.ts";
import type { Result } from "../../src/schema/operation.ts";
import { whyNoQemu } from "../support/qemu_node.ts";
import { PATIENCE, QemuSite } from "../support/qemu_site.ts";
import { until } from "../support/wait.ts";

const ignore = whyNoQemu() !== undefined;

function test(
  name: string,
  fn: (qemu: QemuSite) => Promise<void>,
  config: Record<string, unknown> = {},
): void {
  Deno.test({
    name: `qemu site: ${name}`,
    ignore,
    async fn() {
      await using qemu = await QemuSite.start(config);
      await fn(qemu);
    },
  });
}

/** The outcome of a request for one VM. */
function outcomeOf({ outcomes }: Result): Result["outcomes"][number] {
  const [outcome] = outcomes;
  ok(outcome !== undefined && outcomes.length === 1, JSON.stringify(outcomes));
  return outcome;
}

function problemOf(result: Result): { code: string; detail: string } {
  const { state, problem } = outcomeOf(result);
  strictEqual(state, "failed");
  return { code: problem?.code ?? "", detail: problem?.detail ?? "" };
}

function succeeded(result: Result): void {
  const { state, problem } = outcomeOf(result);
  strictEqual(state, "succeeded", JSON.stringify(problem));
}

async function untilStatus(
  { site }: QemuSite,
  vm: string,
  state: string,
  reason: RegExp,
): Promise<void> {
  await until(`${vm} is ${state}, ${reason}`, async () => {
    const { status } = await site.vm(vm);
    if (status.state === state && reason.test(status.reason)) return true;
    throw new Error(`${status.state}: ${status.reason}`);
  }, PATIENCE);
}

test("a QEMU killed by hand is a crash that says so, and the VM starts again", async (qemu) => {
  const { site } = qemu;
  succeeded(await site.run("start", "web", { spec: await qemu.spec() }));
  const first = await site.vm("web");

  Deno.kill(qemu.pids()[0]!, "SIGKILL");

  await untilStatus(qemu, "web", "crashed", /QEMU was killed by SIGKILL/);
  succeeded(await site.run("start", "web"));
  const again = await site.vm("web");
  strictEqual(again.status.state, "running");
  ok(again.status.incarnation !== first.status.incarnation);
  strictEqual(qemu.pids().length, 1);
});

test("a QEMU ended while its node was away is told as crashed when the node is back", async (qemu) => {
  const { site } = qemu;
  succeeded(await site.run("start", "a", { spec: await qemu.spec() }));
  const [pid] = qemu.pids();
  succeeded(await site.run("start", "b", { spec: await qemu.spec() }));
  const before = await site.vm("b");
  await site.site.stopNode("n1");
  Deno.kill(pid!, "SIGTERM");
  await until("it is gone", () => qemu.pids().length === 1, PATIENCE);

  await site.site.startNode("n1");

  await untilStatus(
    qemu,
    "a",
    "crashed",
    new RegExp(`ended by signal 15 from process ${Deno.pid}`),
  );
  deepStrictEqual((await site.vm("b")).status, before.status);
});

test("a frozen QEMU shows as such, thaws, and falls to a poweroff", async (qemu) => {
  const { site } = qemu;
  succeeded(await site.run("start", "web", { spec: await qemu.spec() }));
  const [pid] = qemu.pids();

  Deno.kill(pid!, "SIGSTOP");
  await untilStatus(qemu, "web", "running", /^QEMU is frozen \(SIGSTOP\)$/);
  Deno.kill(pid!, "SIGCONT");
  await untilStatus(qemu, "web", "running", /^$/);
  Deno.kill(pid!, "SIGSTOP");
  succeeded(await site.run("poweroff", "web"));

  deepStrictEqual(qemu.pids(), []);
  await untilStatus(qemu, "web", "stopped", /powered off/);
  succeeded(await site.run("start", "web"));
});

test("a guest that ignores its shutdown runs on, says so, and falls to a poweroff", async (qemu) => {
  const { site } = qemu;
  succeeded(await site.run("start", "web", { spec: await qemu.spec("deaf") }));
  await qemu.untilPrinted("web", "speaks");

  const refused = problemOf(
    await site.run("shutdown", "web", { graceMs: 200 }),
  );

  deepStrictEqual([refused.code, refused.detail], [
    "timed_out",
    'Cannot shut down VM "web.default.admin": the guest did not obey within 200 ms; it runs on',
  ]);
  strictEqual((await site.vm("web")).status.state, "running");
  succeeded(await site.run("poweroff", "web"));
  deepStrictEqual(qemu.pids(), []);
});

test("a guest that obeys its shutdown is stopped, and a reboot begins a new run", async (qemu) => {
  const { site } = qemu;
  succeeded(await site.run("start", "web", { spec: await qemu.spec() }));
  await qemu.untilPrinted("web", "speaks");
  const before = await site.vm("web");
  const graceMs = PATIENCE.deadlineMs;
  succeeded(await site.run("reboot", "web", { graceMs }));
  const after = await site.vm("web");
  strictEqual(after.status.state, "running");
  ok(after.status.incarnation !== before.status.incarnation);
  succeeded(await site.run("shutdown", "web", { graceMs }));
  await untilStatus(qemu, "web", "stopped", /guest shut down/);
});

test("files that are not there fail the start, and path, node and VM are named", async (qemu) => {
  const { site } = qemu;
  const path = "/srv/no such/vmlinuz";
  for (
    const spec of [
      { boot: { kernel: path } },
      { disks: [{ path, format: "raw" }] },
      { disks: [{ base: path, format: "raw" }] },
    ]
  ) {
    const { code, detail } = problemOf(
      await site.run("start", "web", { spec }),
    );
    deepStrictEqual([code, detail], [
      "invalid_input",
      `Cannot start VM "web.default.admin": ${path} is not there on node "n1"`,
    ]);
    strictEqual((await site.call("GET", "/v1/vms/web")).status, 404);
  }
});

test("a disk that another running VM uses fails the start, and that VM is named", async (qemu) => {
  const { site } = qemu;
  const spec = await qemu.spec();
  succeeded(await site.run("start", "first", { spec }));

  const { code, detail } = problemOf(await site.run("start", "web", { spec }));

  deepStrictEqual([code, detail], [
    "busy",
    `Cannot start VM "web.default.admin": ${
      spec.disks[0]?.path
    } is in use by VM "first.default.admin"`,
  ]);
  succeeded(await site.run("poweroff", "first"));
  succeeded(await site.run("start", "web", { spec }));
});

test(
  "a node without QEMU says so, and nothing is placed there",
  async (qemu) => {
    const { site } = qemu;
    const { nodes } =
      (await site.call<{ nodes: NodeView[] }>("GET", "/v1/nodes")).body;
    const driver = nodes[0]?.drivers.find(({ name }) => name === "qemu");
    strictEqual(driver?.health, "undetected");
    match(driver.reason, /\/nowhere\/no-such-qemu/);

    const { problem } = outcomeOf(
      await site.run("start", "web", { spec: await qemu.spec() }),
    );

    strictEqual(problem?.code, "insufficient_resources");
    match(problem.refusals?.n1 ?? "", /qemu/);
  },
  { binary: "/nowhere/no-such-qemu" },
);

test("a QEMU that vanishes after the node was started fails the start, and is asked for", async (qemu) => {
  await Deno.remove(qemu.binary);
  const { code, detail } = problemOf(
    await qemu.site.run("start", "web", { spec: await qemu.spec() }),
  );
  strictEqual(code, "driver_failed");
  match(detail, /Cannot start VM "web\.default\.admin": .*qemu-system-x86_64/);
});

test("a QEMU that crashes at its start fails the start with its own words", async (qemu) => {
  const { site } = qemu;
  const spec = await qemu.spec();
  await qemu.replaceQemu("echo 'could not load PC BIOS' >&2; exit 3");
  const { code, detail } = problemOf(await site.run("start", "web", { spec }));
  deepStrictEqual([code, detail], [
    "driver_failed",
    'Cannot start VM "web.default.admin": QEMU ended with exit code 3; it said: could not load PC BIOS',
  ]);
  await qemu.replaceQemu("kill -SEGV $$");
  match(
    problemOf(await site.run("start", "web", { spec })).detail,
    /QEMU ended with SIGSEGV/,
  );
  strictEqual((await site.call("GET", "/v1/vms/web")).status, 404);
});

test("a QEMU that never answers is given up and ended", async (qemu) => {
  const spec = await qemu.spec();
  await qemu.replaceQemu(
    "exec qemu-system-x86_64 -S -display none -nodefaults",
  );
  const { code, detail } = problemOf(
    await qemu.site.run("start", "web", { spec }),
  );
  deepStrictEqual([code, detail.replace(/: Cannot open.*/, "")], [
    "driver_failed",
    'Cannot start VM "web.default.admin": QEMU did not answer within 500 ms',
  ]);
  deepStrictEqual(qemu.pids(), []);
}, { start_timeout: "500ms" });

test("a poweroff ends a start that hangs", async (qemu) => {
  const { site } = qemu;
  const spec = await qemu.spec();
  await qemu.replaceQemu(
    "exec qemu-system-x86_64 -S -display none -nodefaults",
  );
  const start = await site.submit("start", "web", { spec });
  await until("QEMU hangs", () => qemu.pids().length === 1, PATIENCE);

  succeeded(await site.run("poweroff", "web"));

  deepStrictEqual(qemu.pids(), []);
  await untilStatus(qemu, "web", "stopped", /powered off/);
  const { operation } = outcomeOf(start);
  await site.untilOperation(operation ?? "", "failed", "cancelled");
  await qemu.replaceQemu('exec qemu-system-x86_64 "$@"');
  succeeded(await site.run("start", "web"));
});

test("usage of a guest and of its node is real", async (qemu) => {
  const { site } = qemu;
  succeeded(await site.run("start", "web", { spec: await qemu.spec() }));
  await qemu.untilPrinted("web", "speaks");
  const { usage } = await until("usage is there", async () => {
    const vm = await site.vm("web");
    return vm.usage?.cpu && vm.usage.diskRead ? vm : null;
  }, PATIENCE);
  ok(usage?.cpu !== null && usage !== null && usage.cpu.m1 >= 0);
  // QEMU itself needs some 30 MiB; the guest has 32 more.
  ok(usage.memoryMiB !== null && usage.memoryMiB > 15 && usage.memoryMiB < 400);
  strictEqual(usage.netRx, null, "nobody counts in user mode");
  const [node] =
    (await site.call<{ nodes: NodeView[] }>("GET", "/v1/nodes")).body.nodes;
  ok(node?.usage?.cpu !== null && node?.usage !== undefined);
  ok((node.usage?.memoryMiB ?? 0) > usage.memoryMiB);
});
