/**
 * Bad luck on a Xen host: xl that is not there, hangs or babbles, a xenstore
 * that restarts, starts that were cut short.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import { isUsherError } from "../../src/error/mod.ts";
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
  "xl that is missing is told by the probe, and no domain is made up",
  async ({ driver }) => {
    const probe = await driver.probe(noAbort());
    deepStrictEqual([probe.health, "reason" in probe && probe.reason], [
      "undetected",
      "xl: not installed",
    ]);
    await rejects(driver.list(noAbort()), { code: "unavailable" });
  },
  { xl: "/nowhere/xl" },
);

xenTest("xl that may not be run is not called missing", async (node) => {
  await Deno.chmod(node.xl, 0o644);
  const probe = await node.driver.probe(noAbort());
  deepStrictEqual(
    "reason" in probe && probe.reason,
    "xl: may not be run by the node manager",
  );
});

xenTest("a host that is no dom0 says so in the probe", async (node) => {
  await Deno.writeTextFile(
    node.xl,
    "#!/bin/sh\necho 'xencall: error: Could not obtain handle on privileged command interface: No such file or directory' >&2\nexit 1\n",
  );
  const probe = await node.driver.probe(noAbort());
  deepStrictEqual(probe.health, "undetected");
  match(
    "reason" in probe ? probe.reason : "",
    /^xl: not in dom0 \(.*privileged/,
  );
});

xenTest(
  "the probe tells what the host has for guests, whatever dom0 sees of it and however many run",
  async (node) => {
    const machineNow = async () => {
      const probe = await node.driver.probe(noAbort());
      return "machine" in probe ? probe.machine : undefined;
    };
    // 4,700 MiB, of which dom0 has 512 and Xen itself 188.
    deepStrictEqual(await machineNow(), { cpus: 4, memoryMiB: 4000 });
    await startNew(node);
    deepStrictEqual(await machineNow(), { cpus: 4, memoryMiB: 4000 });
  },
);

xenTest(
  "what the machine has used is that of all domains, and grows when one of them goes",
  async (node) => {
    const used = async () => await node.driver.machineCounters!(noAbort());
    deepStrictEqual(await used(), { cpuSeconds: 0, memoryMiB: 700 });
    const plan = await startNew(node);
    const busy = await until("the domain has used some time", async () => {
      const { cpuSeconds } = await used();
      return (cpuSeconds ?? 0) > 0 ? cpuSeconds : undefined;
    });
    await powerOff(node, plan.uid);
    ok(((await used()).cpuSeconds ?? 0) >= (busy ?? 0));
  },
);

xenTest(
  "warnings before each answer, and a version that nobody knows, change nothing",
  async (node) => {
    node.break("warns");
    node.break("newer");
    const plan = await startNew(node);
    await node.driver.pausing!.pause(plan.uid, noAbort());
    await checkListed(node, plan.uid, "paused");
    await node.driver.pausing!.resume(plan.uid, noAbort());
    await powerOff(node, plan.uid);
    const probe = await node.driver.probe(noAbort());
    deepStrictEqual("version" in probe && probe.version, "9.99-rc");
  },
);

xenTest(
  "xl that hangs: every verb ends in time and says so, nothing is taken for gone",
  async (node) => {
    const plan = await startNew(node);
    node.break("silent");
    const { driver } = node;
    for (
      const verb of [
        driver.list(noAbort()),
        driver.inspect(plan.uid, noAbort()),
        driver.pausing!.pause(plan.uid, noAbort()),
        driver.stop(plan.uid, { graceMs: 0, signal: noAbort() }),
      ]
    ) {
      await rejects(verb, {
        code: "unavailable",
        message: /No answer from "xl \w+" within 400 ms/,
      });
    }
    node.break("silent", false);

    // A busy machine may be silent for so long by itself.
    await until("it is there still", async () => {
      await checkListed(node, plan.uid, "running");
      return true;
    }, node);
  },
  { verb_timeout: 400 },
);

xenTest(
  "a verb that hangs is given up at once when its caller does",
  async (node) => {
    const plan = await startNew(node);
    node.break("silent");
    const abort = new AbortController();
    const verb = node.driver.pausing!.pause(plan.uid, abort.signal);
    abort.abort(new Error("enough"));
    await rejects(verb, { message: "enough" });
    node.break("silent", false);
  },
  { verb_timeout: 2000 },
);

xenTest(
  "a xenstore that is restarted is heard again, and an end meanwhile is seen",
  async (node) => {
    await using watching = new Watching(node);
    const plan = await startNew(node);
    await node.killTeller();

    await node.shutDownGuest(plan.uid);

    await watching.until(plan.uid, "stopped");
    await until("it is heard again", () => node.teller() !== null, node);
  },
);

xenTest(
  "a xenstore-watch that lives on without its xenstore is replaced",
  async (node) => {
    node.break("lost");
    await node.killTeller();
    await until("it has none", () => !node.has("lost"), node);

    await until("it is heard again", () => node.teller() !== null, node);

    ok(node.logged.some((line) => /has lost its xenstore/.test(line)));
  },
);

xenTest(
  "without the xenstore's tools Xen is asked, and ends are seen too",
  async (node) => {
    for (const tool of ["read", "write", "rm", "watch"]) {
      await Deno.writeTextFile(
        `${node.dir}/host/xenstore-${tool}`,
        "#!/bin/sh\nexit 1\n",
      );
    }
    await node.reopen();
    await using watching = new Watching(node);
    const plan = await startNew(node);
    await node.crashGuest(plan.uid);
    await watching.until(plan.uid, "crashed");
  },
);

xenTest(
  "a domain half made by a start that was killed is undone, and started at the next",
  async (node) => {
    const plan = await node.plan("hanging");
    const start = node.driver.start(plan, noAbort());
    start.catch(() => {});
    await until(
      "it is half made",
      async () => await node.domid(plan.uid) !== "none",
      node,
    );
    const reopened = node.reopen();
    await rejects(start, { code: "interrupted" });
    await reopened;
    await untilState(node, plan.uid, "starting");
    node.killMonitor(plan.uid);

    const { reason } = await untilState(node, plan.uid, "crashed");

    match(reason, /its start was interrupted/);
    deepStrictEqual(await node.occupants(), []);
    const { spec } = await node.plan();
    await node.driver.start({ ...plan, spec }, noAbort());
    deepStrictEqual(await node.occupants(), [plan.uid]);
  },
);

xenTest(
  "a host that is out of memory is told by the code that other drivers have for it, and nothing is left",
  async (node) => {
    node.break("small");
    const plan = await node.plan();
    await rejects(node.driver.start(plan, noAbort()), {
      code: "insufficient_resources",
      message: /can't allocate low memory for domain: Out of memory/,
    });
    deepStrictEqual(await node.occupants(), []);
    deepStrictEqual(await node.leftovers(plan.uid), []);
    node.break("small", false);
    await node.driver.start(plan, noAbort());
    deepStrictEqual(await node.occupants(), [plan.uid]);
  },
);

xenTest(
  "a disk that another VM uses is named with that VM, and is free once that is off",
  async (node) => {
    const { driver, planOf, xl, dir } = node;
    const image = `${dir}/image.raw`;
    await Deno.writeTextFile(image, "");
    await Deno.symlink(image, `${dir}/other-name.raw`);
    const plan = (path: string, readonly: boolean) =>
      planOf({
        boot: { kernel: xl },
        disks: [{ path, format: "raw", readonly }],
      });
    const holder = plan(image, true);
    await driver.start(holder, noAbort());
    const other = plan(`${dir}/other-name.raw`, false);
    await rejects(driver.start(other, noAbort()), {
      code: "busy",
      message: new RegExp(`in use by VM "${holder.name}"`),
    });
    deepStrictEqual(await node.leftovers(other.uid), []);
    // Who reads alone keeps nobody from reading.
    await driver.start(plan(image, true), noAbort());
    deepStrictEqual((await node.occupants()).length, 2);
    for (const uid of await node.occupants()) await powerOff(node, uid);
    await driver.start(other, noAbort());
    deepStrictEqual(await node.occupants(), [other.uid]);
  },
);

xenTest(
  "xl create that takes too long is undone, with all it began",
  async (node) => {
    const plan = await node.plan("hanging");
    await rejects(node.driver.start(plan, noAbort()), {
      code: "driver_failed",
      message: /No end of xl create within 500 ms/,
    });
    deepStrictEqual(await node.occupants(), []);
    deepStrictEqual(await node.leftovers(plan.uid), []);
  },
  { start_timeout: 500 },
);

xenTest(
  "what a spec cannot have under Xen is refused by the name of its field",
  async ({ driver, planOf, xl, dir }) => {
    const boot = { kernel: xl };
    const image = `${dir}/image.raw`;
    await Deno.writeTextFile(image, "");
    const fields: [Record<string, unknown>, string][] = [
      [{ boot, nics: [{ kind: "user" }] }, "spec.nics[0].kind"],
      [
        { boot, nics: [{ kind: "bridge", bridge: "br9" }] },
        "spec.nics[0].bridge",
      ],
      [{ boot, disks: [{ base: image, format: "raw" }] }, "spec.disks[0].base"],
      [{ boot: { kernel: "/nowhere" } }, "spec.boot.kernel"],
      [{ disks: [{ path: image, format: "raw" }] }, "spec.boot"],
      [{ boot, xen: { bootloader: "pygrub" } }, "spec.disks"],
    ];
    for (const [spec, field] of fields) {
      await rejects(driver.start(planOf(spec), noAbort()), (error) => {
        ok(isUsherError(error, "invalid_input"), `${error}`);
        deepStrictEqual(error.details.field, field);
        return true;
      });
    }
  },
);
