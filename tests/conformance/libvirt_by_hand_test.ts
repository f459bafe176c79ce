/**
 * What people do with virsh to domains of usher's, and to their own beside them:
 * told as it is, and nothing of it keeps a verb from working.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { uuidOfUid } from "../../src/driver/identity.ts";
import { libvirtTest } from "../support/libvirt_node.ts";
import { until } from "../support/wait.ts";
import {
  checkListed,
  noAbort,
  powerOff,
  startAndStop,
  startNew,
  untilState,
  Watching,
} from "./driver/harness.ts";

/** A boot sector that tells QEMU's panic device that its guest has panicked. */
const PANICS = new Uint8Array(1024 * 1024); // the firmware boots from none smaller
// mov dx, 0x505; mov al, 1; out dx, al; hlt; and on
PANICS.set([0xba, 0x05, 0x05, 0xb0, 0x01, 0xee, 0xf4, 0xeb, 0xfd]);
PANICS.set([0x55, 0xaa], 510);

libvirtTest(
  "a domain that is paused, renamed, destroyed and started by hand is told as it is",
  async (node) => {
    await using watching = new Watching(node);
    const { uid, incarnation } = await startNew(node);
    await node.byHand("suspend", uid);
    await watching.until(uid, "paused");
    await node.byHand("resume", uid);
    await watching.until(uid, "running");
    await node.byHand("destroy", uid);
    await watching.until(uid, "stopped");
    await node.byHand("domrename", uid, `renamed-${uid}`);
    await node.byHand("start", uid);
    await watching.until(uid, "running");
    const report = await checkListed(node, uid, "running");
    deepStrictEqual(report.incarnation, incarnation);
    await powerOff(node, uid);
  },
);

libvirtTest(
  "a domain that was saved by hand goes on where it was, or is dropped by a power cut",
  async (node) => {
    const plan = await startNew(node);
    const { uid } = plan;
    await node.guestUp(uid);
    await node.byHand("managedsave", uid);
    match((await untilState(node, uid, "stopped")).reason, /saved by hand/);

    await node.driver.start({ ...plan, incarnation: "2" }, noAbort());

    await checkListed(node, uid, "running");
    const log = new TextDecoder().decode(
      await node.driver.console!.history(uid, 100_000),
    );
    deepStrictEqual(log.split("speaks").length, 2, "it booted again");
    await node.byHand("managedsave", uid);
    // A daemon forgets why a domain is off, and not that it is saved.
    node.machine.stop();
    await node.machine.start();
    await powerOff(node, uid);
    const info = await node.machine.virsh("dominfo", uuidOfUid(uid));
    match(info, /Managed save: +no/);
  },
);

libvirtTest(
  "a domain that was saved to a file by hand says what goes on from there, and is itself again once it is restored",
  async (node) => {
    const { uid, incarnation } = await startNew(node);
    const file = `${node.dir}/saved`;
    await node.byHand("save", uid, file);
    match((await untilState(node, uid, "stopped")).reason, /virsh restore/);
    await node.machine.virsh("restore", file);
    const report = await untilState(node, uid, "running");
    deepStrictEqual(report.incarnation, incarnation);
    await powerOff(node, uid);
  },
);

libvirtTest(
  "a guest that crashed and is preserved is told, keeps its memory, and gives way to its next run",
  async (node) => {
    const disk = `${node.dir}/panics.raw`;
    await Deno.writeFile(disk, PANICS);
    const name = await node.plantForeign(undefined, {
      ...{ disk, onCrash: "preserve" },
    });
    const plan = node.planOf({});
    const uuid = await node.machine.virsh("domuuid", name);
    const { adoption } = node.driver;
    await adoption!.adopt(uuid, { ...plan, name }, noAbort());
    const { uid } = plan;
    const isKept = async () => {
      const { reason } = await untilState(node, uid, "crashed");
      match(reason, /panicked; it is preserved/);
      return node.machine.pidsOf(uuid);
    };
    const [pid] = await isKept();
    ok(pid !== undefined, "it is not kept");
    const { spec } = await node.driver.inspect(uid, noAbort());
    const next = { ...plan, name, spec: spec!, incarnation: "2" };
    await node.driver.start(next, noAbort());
    const [other] = await isKept();
    ok(other !== undefined && other !== pid, "it is the run before");
    const off = { graceMs: 0, signal: noAbort() };
    const { state, reason } = await node.driver.stop(uid, off);
    // It is kept no more, and whether its crash was seen first is no matter.
    match(
      `${state}: ${reason}`,
      /^(crashed: guest panicked|stopped: powered off)$/,
    );
    deepStrictEqual(node.machine.pidsOf(uuid), []);
  },
);

libvirtTest(
  "a domain that was off when it was adopted is off, and not crashed, and starts",
  async (node) => {
    const { machine, dir, driver } = node;
    const name = await node.plantForeign();
    // libvirt knows nothing of an end of one that was just defined.
    await machine.virsh("destroy", name);
    await machine.virsh("undefine", name);
    await machine.virsh("define", `${dir}/${name}.xml`);
    const uuid = await machine.virsh("domuuid", name);
    const plan = node.planOf({});
    const { adoption } = driver;
    const { state, spec } = await adoption!
      .adopt(uuid, { ...plan, name }, noAbort());
    deepStrictEqual([state, spec?.power], ["stopped", "off"]);
    await driver.start({ ...plan, name, spec: spec! }, noAbort());
    await checkListed(node, plan.uid, "running");
    await powerOff(node, plan.uid);
  },
);

libvirtTest(
  "a domain that was undefined by hand is started anew, and forgotten",
  async (node) => {
    const plan = await startAndStop(node);
    const { uid } = plan;
    await node.byHand("undefine", uid);
    await checkListed(node, uid, "stopped");
    await node.driver.start({ ...plan, incarnation: "2" }, noAbort());
    await node.byHand("undefine", uid);
    await checkListed(node, uid, "running");
    await powerOff(node, uid);
    await checkListed(node, uid, "stopped");
    await node.driver.forget(uid, noAbort());
    deepStrictEqual(await node.leftovers(uid), []);
  },
);

libvirtTest(
  "what becomes of others' domains is told as it happens",
  async (node) => {
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
  },
);
