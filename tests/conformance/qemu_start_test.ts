/**
 * Starts that go wrong in QEMU itself, and nodes where none can go right.
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
import { isUsherError } from "../../src/error/mod.ts";
import { openQemuDriver } from "../../src/driver/qemu/mod.ts";
import { QemuNode, qemuTest, whyNoQemu } from "../support/qemu_node.ts";
import { checkAbsent, noAbort, untilState } from "./driver/harness.ts";

const LONG_RUN_DIR = `/tmp/${"deep/".repeat(20)}`;

/** What a start says of a QEMU whose monitor behaves so. */
const MANNERS: readonly (readonly [string, RegExp])[] = [
  ["garbage", /Cannot understand the monitor/],
  ["babbles", /No reply to query-status: Cannot understand the monitor/],
  ["hangsUp", /closed the connection/],
  ["mute", /within 10000 ms/],
];

Deno.test({
  name:
    "qemu: a QEMU whose monitor speaks garbage, hangs up or stays mute is given up, ended and told of",
  ignore: whyNoQemu() !== undefined,
  async fn() {
    // All at once, since each takes the whole deadline.
    await Promise.all(MANNERS.map(async ([manner, words]) => {
      const config = { start_timeout: "10s" };
      await using node = await QemuNode.open({ config });
      await startBadly(node, manner, words);
    }));
  },
});

async function startBadly(
  node: QemuNode,
  manner: string,
  words: RegExp,
): Promise<void> {
  const plan = await node.plan();
  node.useFakeQemu(manner);
  await rejects(node.driver.start(plan, noAbort()), (error) => {
    ok(isUsherError(error, "driver_failed"), String(error));
    const [what, why = ""] = error.message.split(" within ");
    strictEqual(
      what,
      `Cannot start VM "${plan.name}": QEMU did not answer`,
    );
    match(`within ${why}`, words);
    return true;
  });
  await checkAbsent(node, plan.uid);
  deepStrictEqual(await node.leftovers(plan.uid), []);
  node.useRealQemu();
  strictEqual((await node.driver.start(plan, noAbort())).state, "running");
}

qemuTest(
  "a QEMU that dies between its greeting and its first answer is told of in its own words",
  async (node) => {
    const plan = await node.plan();
    node.useFakeQemu("diesAfterGreeting");
    await rejects(node.driver.start(plan, noAbort()), {
      code: "driver_failed",
      message:
        `Cannot start VM "${plan.name}": QEMU ended with exit code 1; it said: cannot create device foo`,
    });
    deepStrictEqual(await node.leftovers(plan.uid), []);
  },
);

qemuTest(
  "a start that QEMU refuses tells its exit code and its words",
  async (node) => {
    const { spec } = await node.plan();
    const plan = node.planOf({
      disks: spec.disks,
      qemu: { machine: "no-such-machine" },
    });
    await rejects(node.driver.start(plan, noAbort()), {
      code: "driver_failed",
      message: /exit code 1.*unsupported machine/,
    });
  },
);

qemuTest(
  "a port of the node that is taken fails the start, with what to do",
  async (node) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { spec } = await node.plan();
    const forwards = [{ nodePort: taken.addr.port, guestPort: 80 }];
    const plan = node.planOf({
      disks: spec.disks,
      nics: [{ kind: "user", forwards }],
    });
    await rejects(node.driver.start(plan, noAbort()), (error) => {
      ok(isUsherError(error, "driver_failed"), String(error));
      match(error.message, /host forwarding rule/);
      match(error.details.hint ?? "", /Another process listens/);
      return true;
    });
  },
);

qemuTest(
  "a QEMU that is not installed is undetected, and a start says so",
  async (node) => {
    strictEqual((await node.driver.probe(noAbort())).health, "undetected");
    await rejects(node.driver.start(await node.plan(), noAbort()), {
      code: "driver_failed",
      message: /no-such-qemu/,
    });
  },
  { binary: "/nonexistent/no-such-qemu" },
);

qemuTest(
  "a restart that QEMU refuses leaves the domain as it was, console and all",
  async (node) => {
    const plan = await node.plan();
    await node.driver.start(plan, noAbort());
    await node.guestUp(plan.uid);
    await node.crashGuest(plan.uid);
    const before = await untilState(node, plan.uid, "crashed");
    const spec = (await node.plan("broken")).spec;

    await rejects(
      node.driver.start({ ...plan, spec, incarnation: "next" }, noAbort()),
      { code: "driver_failed" },
    );

    deepStrictEqual(await node.driver.inspect(plan.uid, noAbort()), before);
    await node.reopen();
    deepStrictEqual(await node.driver.inspect(plan.uid, noAbort()), before);
    match(await node.printed(plan.uid), /speaks/);
  },
);

Deno.test("qemu: a run directory too long for sockets is refused with its option and its path", async () => {
  const stateDir = await Deno.makeTempDir({ prefix: "uq" });
  const context = { node: "n1", stateDir, runDir: LONG_RUN_DIR, log() {} };
  await rejects(openQemuDriver(context, {}), (error) => {
    ok(isUsherError(error, "invalid_input"), String(error));
    strictEqual(error.details.field, "run_dir");
    ok(error.message.includes(LONG_RUN_DIR));
    match(error.message, /107 bytes/);
    return true;
  });
  await Deno.remove(stateDir, { recursive: true });
});
