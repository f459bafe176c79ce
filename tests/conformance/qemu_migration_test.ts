/**
 * What real guests go through when they move: their memory, their disks, whom
 * their nodes talk to, and how little is left when it comes to nothing.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { writePeerKeys } from "../support/peer_keys.ts";
import { GUEST } from "../support/qemu_node.ts";
import { Move, pairTest, started } from "../support/qemu_pair.ts";
import { fillUp, mount } from "../support/small_disk.ts";
import { until } from "../support/wait.ts";
import { noAbort } from "./driver/harness.ts";

/** So slow that a test can do something meanwhile. */
const SLOW = 100_000;

async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
  }).output();
  const said = new TextDecoder().decode(stdout) +
    new TextDecoder().decode(stderr);
  ok(success, `${program} ${args.join(" ")}: ${said}`);
  return said;
}

/** The newest number that a counting guest has printed. */
function newestCount(text: string): number {
  return Number(text.match(/count-\d+(?=\s)/g)?.at(-1)?.slice(6) ?? -1);
}

pairTest(
  "a guest that counts goes on counting at its new node, with its disk as it was, and moves back",
  async ({ n1, n2 }) => {
    const base = `${GUEST}/disk.raw`;
    const plan = n1.planGuest("", { disks: [{ base, format: "raw" }] });
    const { uid } = plan;
    await n1.driver.start(plan, noAbort());
    await n1.untilPrinted(uid, "usher-guest ready");
    await n1.say(
      uid,
      "dd if=/dev/urandom of=/tmp/r bs=1M count=2; dd if=/tmp/r of=/dev/vda bs=1M seek=3 conv=fsync; (i=0; while :; do i=$((i+1)); echo count-$i; [ $((i % 5)) = 0 ] && (dd if=/dev/vda bs=1M skip=3 count=2 | cmp - /tmp/r && echo same-$i); sleep 0.1; done) 2>/dev/null",
      "same-10",
    );
    const before = newestCount(await n1.printed(uid));
    const move = new Move(n1, n2, plan);
    await move.whole();

    ok(move.progress.some(({ phase }) => phase === "disks"));
    ok(move.progress.some(({ phase }) => phase === "memory"));
    const there = () => n2.printed(uid);
    const first = Number(
      /count-(\d+)\s/.exec(
        await until("it counts there", async () => {
          const text = await there();
          const isWhole = /count-\d+\s/.test(text) && /same-\d+/.test(text);
          return isWhole ? text : null;
        }, n2),
      )?.[1],
    );
    ok(first >= before && first < before + 500, `${before}, then ${first}`);
    ok(!(await there()).includes("usher-guest ready"), "it booted again");

    await new Move(n2, n1, plan).whole();
    const last = newestCount(
      await until("it counts where it was", async () => {
        const text = await n1.printed(uid);
        return /same-\d+/.test(text) && newestCount(text) >= 0 ? text : null;
      }, n1),
    );
    ok(last > first, `${first}, then ${last}`);
    deepStrictEqual(await n2.leftovers(uid), []);
    await n1.driver.stop(uid, { graceMs: 0, signal: noAbort() });
  },
);

pairTest(
  "a user's own disk is sent, is put aside where it came from, and overwrites nothing",
  async (pair) => {
    const { n1, n2 } = pair;
    // Both nodes see one file system: the file is moved out of the way where
    // the other node would not have it, which QEMU, that has it open, never sees.
    const path = `${n1.dir}/own.raw`;
    await Deno.copyFile(`${GUEST}/boot.raw`, path);
    await run("qemu-io", "-f", "raw", "-c", "write -P 0x5a 512k 64k", path);
    // Mostly holes, which take no room here and are to take none there.
    await Deno.truncate(path, 256 * 1024 * 1024);
    const plan = n1.planOf({ disks: [{ path, format: "raw" }] });
    await n1.driver.start(plan, noAbort());
    await n1.guestUp(plan.uid);

    const blocked = new Move(n1, n2, plan);
    await blocked.offer();
    await rejects(blocked.receive(), {
      code: "already_exists",
      message: /there is a file .*own\.raw already/,
    });
    await blocked.undo();

    const move = new Move(n1, n2, plan);
    await move.offer();
    await Deno.rename(path, `${path}.n1`);
    await move.receive();
    await move.send();
    strictEqual(await move.activate(), "running");
    await run("cmp", path, `${path}.n1`);
    const { blocks } = await Deno.stat(path);
    ok((blocks ?? 0) * 512 < 16 * 1024 * 1024, `it takes ${blocks} blocks`);

    await Deno.rename(path, `${path}.n2`);
    await Deno.rename(`${path}.n1`, path);
    await move.releaseSource();
    const aside = `${path}.moved-${move.transfer.id.toLowerCase()}`;
    strictEqual((await Deno.stat(aside)).isFile, true);
    await rejects(Deno.stat(path), Deno.errors.NotFound);
    const names = [...Deno.readDirSync(n1.dir)].map(({ name }) => name);
    deepStrictEqual(names.filter((name) => name.includes(".usher-")), []);
  },
);

pairTest(
  "a base that the target has not got, or has otherwise, goes with its overlay",
  async ({ n1, n2 }) => {
    const base = `${n1.dir}/base.raw`;
    await Deno.copyFile(`${GUEST}/boot.raw`, base);
    await run("qemu-io", "-f", "raw", "-c", "write -P 0x33 256k 64k", base);
    const plan = n1.planOf({ disks: [{ base, format: "raw" }] });
    await n1.driver.start(plan, noAbort());
    await n1.guestUp(plan.uid);
    const move = new Move(n1, n2, plan);
    await move.offer();
    await Deno.rename(base, `${base}.n1`);
    await Deno.copyFile(`${GUEST}/boot.raw`, base);
    await move.receive();
    await move.send();
    strictEqual(await move.activate(), "running");
    await move.releaseSource();

    await n2.driver.stop(plan.uid, { graceMs: 0, signal: noAbort() });
    const overlay = n2.layout.overlay(plan.uid, 0);
    const said = await run("qemu-io", "-c", "read -P 0x33 256k 64k", overlay);
    ok(!said.includes("verification failed"), said);
    // It needs no base any more, not even to be started.
    await Deno.remove(base);
    const again = { ...plan, incarnation: "again" };
    strictEqual(
      (await n2.driver.start(again, noAbort())).state,
      "running",
    );
  },
);

pairTest(
  "a node whose certificate another site signed, or that is another node, is let in nowhere",
  async (pair) => {
    const { n1, n2 } = pair;
    const plan = await started(pair);
    for (
      const [name, from] of [["n1", "stranger"], ["n3", "site"]] as const
    ) {
      await writePeerKeys(n1.keys, name, from);
      const move = new Move(n1, n2, plan);
      await move.prepare();
      await rejects(move.send(), { code: "driver_failed" }, `${name}, ${from}`);
      strictEqual(await move.stateAt(n2), "migrating");
      await move.undo();
    }
    await writePeerKeys(n1.keys, "n1");
    // Nor does the source send to any but the node that it means.
    await writePeerKeys(n2.keys, "n3");
    const wrong = new Move(n1, n2, plan);
    await wrong.prepare();
    await rejects(wrong.send(), { code: "driver_failed" });
    await wrong.undo();

    await writePeerKeys(n2.keys, "n2");
    await new Move(n1, n2, plan).whole();
  },
);

for (const [what, disks] of [["disks", true], ["memory", false]] as const) {
  pairTest(
    `a move can be called off while its ${what} are sent, and the guest never notices`,
    async (pair) => {
      const { n1, n2 } = pair;
      const shared = {
        path: `${GUEST}/boot.raw`,
        readonly: true,
        shared: true,
      };
      const plan = disks
        ? await started(pair)
        : n1.planOf({ disks: [{ ...shared, format: "raw" }] });
      if (!disks) await n1.driver.start(plan, noAbort());
      const move = new Move(n1, n2, plan, { bandwidth: SLOW });
      await move.prepare();
      const sent = move.send();
      await move.untilSending(what);
      strictEqual(await move.stateAt(n1), "running");
      await rejects(n1.driver.pausing!.pause(plan.uid, noAbort()), {
        code: "wrong_state",
      });
      strictEqual(await move.abort(), "running");
      await rejects(sent, { code: "cancelled" });
      await move.undo();
      await new Move(n1, n2, plan).whole();
    },
  );
}

pairTest(
  "both LNMs may end while disks and memory are sent, and even at the switch",
  async (pair) => {
    const { n1, n2 } = pair;
    const plan = await started(pair);
    const { uid } = plan;
    const move = new Move(n1, n2, plan, { bandwidth: 64 * 1024 * 10 });
    await move.prepare();
    void move.send();
    await move.untilSending("memory");
    await n1.driver[Symbol.asyncDispose]();
    // Nobody is there to let it go on from the switch.
    await n1.qmp(uid, "migrate-set-parameters", { "max-bandwidth": 2 ** 40 });
    await until("QEMU waits at the switch", async () => {
      const { status } = await n1.qmp(uid, "query-migrate") as {
        status: string;
      };
      return status === "pre-switchover";
    }, n1);
    await n1.reopen();
    await n2.reopen();
    await until("the next LNM has taken it up", async () => {
      return await move.stateAt(n1) === "migrating";
    }, n1);
    await move.send();
    strictEqual(await move.activate(), "running");
    await move.releaseSource();
    strictEqual(await move.stateAt(n2), "running");
  },
);

pairTest(
  "a node without a free port takes nothing in, and says which ports it has",
  async (pair) => {
    const plan = await started(pair);
    const { n1 } = pair;
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    const n3 = await n1.peer({
      name: "n3",
      ports: { first: port, last: port },
    });
    const move = new Move(n1, n3, plan);
    await move.offer();
    await rejects(move.receive(), {
      code: "unavailable",
      message: new RegExp(`none of its ports ${port}-${port} is free`),
    });
    await move.undo();
  },
);

pairTest(
  "a stopped domain's disk moves as it is, whole, and a move of it can be called off",
  async (pair) => {
    const { n1, n2 } = pair;
    const plan = await started(pair);
    const { uid } = plan;
    await n1.driver.stop(uid, { graceMs: 0, signal: noAbort() });
    const overlay = n1.layout.overlay(uid, 0);
    await run("qemu-io", "-c", "write -P 0x77 128k 256k", overlay);

    const slow = new Move(n1, n2, plan, { live: false, bandwidth: SLOW });
    await slow.prepare();
    const sent = slow.send();
    await slow.untilSending("disks");
    strictEqual(await slow.stateAt(n1), "stopped");
    strictEqual(await slow.stateAt(n2), "migrating");
    await rejects(n1.driver.start(plan, noAbort()), { code: "wrong_state" });
    strictEqual(await slow.abort(), "stopped");
    await rejects(sent, { code: "cancelled" });
    await slow.undo("stopped");

    const move = new Move(n1, n2, plan, { live: false });
    await move.prepare();
    await n1.reopen();
    await n2.reopen();
    await move.send();
    strictEqual(await move.activate(), "stopped");
    await move.releaseSource();
    deepStrictEqual(await n1.leftovers(uid), []);
    const said = await run(
      "qemu-io",
      "-c",
      "read -P 0x77 128k 256k",
      n2.layout.overlay(uid, 0),
    );
    ok(!said.includes("verification failed"), said);
    const again = { ...plan, incarnation: "again" };
    strictEqual((await n2.driver.start(again, noAbort())).state, "running");
  },
);

pairTest(
  "a target that has no room is told so before anything moves, and one that fills up meanwhile costs nothing",
  async (pair) => {
    const { n1 } = pair;
    const folder = await Deno.makeTempDir({ prefix: "uqd" });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    if (!await mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", folder)) return;
    stack.defer(() => run("umount", "-l", folder).then(() => {}));
    const n3 = await n1.peer({ name: "n3", dir: folder });

    const plan = n1.planOf({
      disks: [{ base: `${GUEST}/boot.raw`, format: "raw", sizeMiB: 16 }],
    });
    const { uid } = plan;
    await n1.driver.start(plan, noAbort());
    await n1.driver.stop(uid, { graceMs: 0, signal: noAbort() });
    const overlay = n1.layout.overlay(uid, 0);
    await run("qemu-io", "-c", "write -P 1 1M 1M", overlay);
    const again = { ...plan, incarnation: "again" };
    await n1.driver.start(again, noAbort());

    const filled = new Move(n1, n3, again);
    await filled.prepare();
    await fillUp(`${folder}/filler`);
    await rejects(filled.send(), {
      code: "driver_failed",
      message: /Cannot send disk 0 .*No space left/,
    });
    await filled.undo();

    const refused = new Move(n1, n3, again);
    await refused.offer();
    await rejects(refused.receive(), {
      code: "insufficient_resources",
      message: /its disks need \d+ MiB/,
    });
    await refused.undo();
    // Before the file system goes.
    await n3[Symbol.asyncDispose]();
  },
);

pairTest(
  "a guest that writes faster than it can be sent moves by post-copy, and then there is no way back",
  async ({ n1, n2 }) => {
    const base = `${GUEST}/disk.raw`;
    const plan = n1.planGuest("usher.dirty=48", {
      disks: [{ base, format: "raw" }],
    });
    await n1.driver.start(plan, noAbort());
    await n1.untilPrinted(plan.uid, "usher-guest ready");
    const move = new Move(n1, n2, plan, {
      postCopy: true,
      bandwidth: 8_000_000,
      maxDowntimeMs: 1,
    });
    await move.prepare();
    await move.send();
    await rejects(move.abort(), {
      code: "wrong_state",
      message: /there is no way back/,
    });
    strictEqual(await move.activate(), "running");
    await move.releaseSource();
    await using line = await n2.driver.console!.attach(plan.uid, noAbort());
    const writer = line.writable.getWriter();
    await writer.write(new TextEncoder().encode("\necho alive-$((6 * 7))\n"));
    await n2.untilPrinted(plan.uid, "alive-42", 60_000);
  },
);
