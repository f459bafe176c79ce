/**
 * Killed and back: how long a controller and an LNM take from SIGKILL until
 * they do their work again, beside what reading their state bare takes.
 *
 * @module
 */
import {
  type NodePlan,
  qemuNode,
  simNode,
} from "../../tests/support/node_plan.ts";
import { ProcessSite } from "../../tests/support/process_site.ts";
import { GUEST } from "../../tests/support/qemu_node.ts";
import { EXECUTABLE } from "./command.ts";
import { beside, median, type Row, time, timed } from "./row.ts";

const ROUNDS = 7;
const CTRL_VMS = 10_000;
const SIM_VMS = 1000;
const QEMU_VMS = 100;
/** So many QEMUs start beside each other: they boot, and the cores are few. */
const BATCH = 5;

/** A controller and LNMs, killed and started again. */
export async function benchRestart(): Promise<Row[]> {
  return [...await controller(), await simulated(), await guests()];
}

async function controller(): Promise<Row[]> {
  await using site = await startSite(simNode("n1"));
  const spec = { memoryMiB: 16 };
  await site.run({ verb: "start", names: ["web"], count: CTRL_VMS, spec });
  const [serving, complete, bare]: number[][] = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    await site.ctrl.kill();
    bare?.push(await time(() => readBare(`${site.dir}/ctrl/state.kv`)));
    const began = performance.now();
    await site.startCtrl();
    // The first answer tells the last VM: all of them were read.
    await site.vm(`web-${CTRL_VMS}`);
    serving?.push(performance.now() - began);
    await site.untilNode("n1", "ready", 5);
    complete?.push(performance.now() - began);
  }
  const floor = median(bare ?? []);
  const name = `controller with ${CTRL_VMS} VMs, SIGKILL to serving again`;
  return [
    beside(
      { name, value: median(serving ?? []), unit: "ms", note: "target < 3000" },
      "its KV read bare",
      floor,
    ),
    beside(
      {
        name: "… and to its node ready",
        value: median(complete ?? []),
        unit: "ms",
      },
      "its KV read bare",
      floor,
    ),
  ];
}

/** Everything that a state holds, read and taken for JSON. */
async function readBare(path: string): Promise<void> {
  using kv = await Deno.openKv(path);
  const decoder = new TextDecoder();
  for await (const { value } of kv.list({ prefix: [] }, { batchSize: 500 })) {
    if (value instanceof Uint8Array) JSON.parse(decoder.decode(value));
  }
}

async function simulated(): Promise<Row> {
  await using site = await startSite(simNode("n1"));
  const empty = median(await timed(ROUNDS, () => restartNode(site)));
  const spec = { memoryMiB: 16 };
  await site.run({ verb: "start", names: ["web"], count: SIM_VMS, spec });
  const name = `LNM with ${SIM_VMS} sim domains, SIGKILL to all reported`;
  const value = median(await timed(ROUNDS, () => restartNode(site)));
  return beside(
    { name, value, unit: "ms", note: "target < 2000" },
    "an LNM without any",
    empty,
  );
}

async function guests(): Promise<Row> {
  await using site = await startSite(qemuNode("n1"));
  // A boot sector that halts: an idle guest, as far as a core can tell.
  const disks = [{ base: `${GUEST}/boot.raw`, format: "raw" }];
  for (let i = 0; i < QEMU_VMS; i += BATCH) {
    const names = Array.from({ length: BATCH }, (_, j) => `web-${i + j}`);
    await site.run({ verb: "start", names, spec: { memoryMiB: 16, disks } });
  }
  const [all, bare]: number[][] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    all?.push(await time(() => restartNode(site)));
    await site.node("n1").kill();
    bare?.push(await time(() => askAllBare(`${site.dir}/r/n1/qemu`)));
    await site.startNode("n1");
    await site.untilNode("n1", "ready", 5);
  }
  if (site.guests("n1").length !== QEMU_VMS) throw new Error("A guest is gone");
  const name = `LNM with ${QEMU_VMS} QEMU domains, SIGKILL to all reported`;
  return beside(
    { name, value: median(all ?? []), unit: "ms", note: "target < 2000" },
    "opening and asking each monitor bare",
    median(bare ?? []),
  );
}

function startSite(node: NodePlan): Promise<ProcessSite> {
  return ProcessSite.start({ nodes: [node], usher: EXECUTABLE });
}

/** Kills the node and starts it; a node is ready once it has told of every domain. */
async function restartNode(site: ProcessSite): Promise<void> {
  await site.node("n1").kill();
  await site.untilNode("n1", "silent", 5);
  await site.startNode("n1");
  await site.untilNode("n1", "ready", 5);
}

async function askAllBare(folder: string): Promise<void> {
  const monitors = [...Deno.readDirSync(folder)]
    .filter(({ name }) => name.endsWith(".qmp0"));
  await Promise.all(monitors.map(({ name }) => askBare(`${folder}/${name}`)));
}

async function askBare(path: string): Promise<void> {
  using socket = await Deno.connect({ transport: "unix", path });
  const lines = socket.readable.getReader();
  const writer = socket.writable.getWriter();
  await lines.read();
  for (const execute of ["qmp_capabilities", "query-status"]) {
    await writer.write(new TextEncoder().encode(`{"execute":"${execute}"}\n`));
    await lines.read();
  }
}
