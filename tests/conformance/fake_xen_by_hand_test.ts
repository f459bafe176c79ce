/**
 * What happens to domains past usher on a Xen host: people who pause, rename,
 * save and destroy by hand, guests that crash and reboot, domains of others.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import type { DomainReport } from "../../src/driver/driver.ts";
import { Pty } from "../support/pty.ts";
import { xenTest } from "../support/xen_node.ts";
import { until } from "../support/wait.ts";
import {
  checkListed,
  noAbort,
  powerOff,
  startNew,
  untilState,
  Watching,
} from "./driver/harness.ts";

xenTest(
  "a pause is counted: one by hand besides does not keep it from going on",
  async (node) => {
    const { uid } = await startNew(node);
    await node.host("pause", await node.domid(uid));
    await untilState(node, uid, "paused");
    await node.driver.pausing!.pause(uid, noAbort());
    await node.host("pause", await node.domid(uid));

    const { state } = await node.driver.pausing!.resume(uid, noAbort());

    deepStrictEqual(state, "running");
  },
);

xenTest(
  "a domain that was renamed by hand stays the VM's, and obeys",
  async (node) => {
    const { uid, name } = await startNew(node);
    await node.host("rename", await node.domid(uid), "mine now");

    const report = await checkListed(node, uid, "running");

    deepStrictEqual([report.name, report.reason], [
      name,
      'Xen has it as "mine now"',
    ]);
    await powerOff(node, uid);
    deepStrictEqual(await node.occupants(), []);
  },
);

xenTest(
  "a domain that was destroyed by hand is crashed, and one that was saved too, each with what is known",
  async (node) => {
    const reasonAfter = async (act: (domid: string) => Promise<unknown>) => {
      const { uid } = await startNew(node);
      await act(await node.domid(uid));
      return (await untilState(node, uid, "crashed")).reason;
    };
    match(
      await reasonAfter((domid) => node.host("destroy", domid)),
      /destroyed by hand/,
    );
    match(
      await reasonAfter(async (domid) => {
        await node.host("end", domid, "2");
        await until("it is seen to stand still", async () => {
          const all = await node.driver.list(noAbort());
          return all.some(({ reason }) => /suspended/.test(reason));
        }, node);
        await node.host("destroy", domid);
      }),
      /saved or moved away by hand/,
    );
  },
);

xenTest(
  "a crashed domain stays when its VM says so, and goes with its VM",
  async (node) => {
    const plan = node.planOf({
      boot: { kernel: node.xl },
      xen: { onCrash: "preserve" },
    });
    await node.driver.start(plan, noAbort());
    await node.crashGuest(plan.uid);
    const { reason } = await untilState(node, plan.uid, "crashed");
    match(reason, /^guest crashed; its console said: Linux version of web-/);
    deepStrictEqual(await node.occupants(), [plan.uid], "it was not kept");

    await node.driver.start({ ...plan, incarnation: "next" }, noAbort());
    deepStrictEqual(await node.occupants(), [plan.uid]);
    await node.crashGuest(plan.uid);
    await untilState(node, plan.uid, "crashed");
    await node.driver.forget(plan.uid, noAbort());
    deepStrictEqual(await node.occupants(), []);
  },
);

xenTest(
  "a guest's reboot is the monitor's, and is told as running throughout",
  async (node) => {
    await using watching = new Watching(node);
    const plan = node.planOf({
      boot: { kernel: node.xl, cmdline: "reboots" },
    });
    await node.driver.start(plan, noAbort());
    const { uid, incarnation } = plan;
    const before = await node.domid(uid);

    await node.host("end", before, "1");

    await until("it is another domain", async () => {
      const domid = await node.domid(uid);
      return domid !== "none" && domid !== before;
    }, node);
    const report = await untilState(node, uid, "running");
    deepStrictEqual(report.incarnation, incarnation);
    deepStrictEqual(
      watching.statesOf(uid).filter((state) =>
        state !== "running" && state !== "starting"
      ),
      [],
    );
    deepStrictEqual(await node.occupants(), [uid]);
  },
);

xenTest(
  "a guest that reboots without its monitor is started anew by the driver",
  async (node) => {
    const { uid } = await startNew(node);
    const before = await node.domid(uid);
    node.killMonitor(uid);

    await node.host("end", before, "1");

    await until("it is another domain", async () => {
      const domid = await node.domid(uid);
      return domid !== "none" && domid !== before;
    }, node);
    await checkListed(node, uid, "running");
    deepStrictEqual(await node.occupants(), [uid]);
  },
);

xenTest(
  "a guest that was restored by hand reboots by the monitor that came with it",
  async (node) => {
    const { uid, name } = await startNew(node);
    node.killMonitor(uid);
    await using watching = new Watching(node);
    const before = await node.domid(uid);
    // As of `xl restore`: of nobody's that usher knows.
    await node.watchByHand(before, name);

    await node.host("end", before, "1");

    await until("it is another domain", async () => {
      const domid = await node.domid(uid);
      return domid !== "none" && domid !== before;
    }, node);
    await checkListed(node, uid, "running");
    deepStrictEqual(await node.occupants(), [uid]);
    deepStrictEqual(
      watching.statesOf(uid).filter((state) => state !== "running"),
      [],
    );
    ok(!node.logged.some((line) => /without its monitor/.test(line)));
  },
);

xenTest(
  "a power cut in the middle of a reboot leaves nothing that comes back",
  async (node) => {
    const { uid } = await startNew(node);
    await node.host("end", await node.domid(uid), "1");
    await until(
      "it is gone",
      async () => await node.domid(uid) === "none",
      node,
    );

    await powerOff(node, uid);

    node.checkNoMonitor(uid);
    deepStrictEqual(await node.occupants(), []);
  },
);

xenTest(
  "domains that others have are told with what Xen knows of them, and when they are gone",
  async (node) => {
    await using watching = new Watching(node);
    const name = await node.plantForeign();
    const isStranger = (report: DomainReport) => report.name === name;
    const found = await until(
      "it is told",
      // Half made it was seen paused, perhaps.
      () =>
        watching.reports.find((report) =>
          isStranger(report) && report.state === "running"
        ),
      node,
    );
    deepStrictEqual([found.uid, found.state, found.memoryMiB, found.vcpus], [
      null,
      "running",
      128,
      1,
    ]);
    deepStrictEqual(
      (await node.driver.inspect(found.domain, noAbort())).name,
      name,
    );
    await node.host("destroy", name);
    await until(
      "its end is told",
      () => watching.reports.findLast(isStranger)?.state === "absent",
      node,
    );
    ok(!(await node.driver.list(noAbort())).some(isStranger));
  },
);

xenTest(
  "a console that one alone can have is given back, also by an LNM that died",
  async (node) => {
    const plan = node.planOf({
      boot: { kernel: node.xl },
      xen: { type: "hvm" },
    });
    await node.driver.start(plan, noAbort());
    await using terminal = new Pty(
      `sh -c 'tty >${node.dir}/host/tty; exec sleep 600'`,
      {},
    );
    await until("it has a terminal", () => node.has("tty"), node);
    const talk = async (word: string) => {
      await using line = await node.driver.console!
        .attach(plan.uid, noAbort());
      const { value } = await line.readable.getReader().read();
      deepStrictEqual(new TextDecoder().decode(value), "here\n");
      const writer = line.writable.getWriter();
      await writer.write(new TextEncoder().encode(`${word}\n`));
      await terminal.untilShown(new RegExp(word));
    };
    await talk("first");
    await talk("second");

    using hand = await node.holdConsole(plan.uid);
    await rejects(talk("third"), {
      code: "busy",
      message: new RegExp(`process ${hand.pid} of its node has it`),
    });
    hand[Symbol.dispose]();
    await until("it is free", () => talk("fourth").then(() => true), node);

    using _left = await node.holdConsole(plan.uid, {
      USHER_CONSOLE: plan.uid,
    });
    await talk("fifth");
  },
);

xenTest(
  "a console's log is kept small, and read from where the guest writes now",
  async (node) => {
    const { uid, name } = await startNew(node);
    const log = `${node.dir}/host/log/console/guest-${name}.log`;
    await Deno.writeTextFile(log, "x".repeat(700_000) + "the newest");
    await until(
      "it is put aside",
      async () =>
        (await Deno.stat(`${log}.1`)).size > 500_000 &&
        (await Deno.stat(log)).size === 0,
      node,
    );
    const read = async () =>
      new TextDecoder().decode(await node.driver.console!.history(uid, 20));
    deepStrictEqual((await read()).slice(-10), "the newest");

    // As after a move to this host.
    const incoming = `${node.dir}/host/log/console/guest-${name}--incoming.log`;
    await Deno.writeTextFile(incoming, "after the move");
    await Deno.utime(incoming, new Date(), new Date(Date.now() + 60_000));
    deepStrictEqual(await read(), "after the move");

    await powerOff(node, uid);
    await node.driver.forget(uid, noAbort());
    for await (
      const { name: file } of Deno.readDir(`${node.dir}/host/log/console`)
    ) {
      throw new Error(`${file} is left`);
    }
  },
);
