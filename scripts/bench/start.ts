/**
 * Real guests through the whole of usher: API, controller, link, LNM, driver,
 * beside bare QEMU in the same run.
 *
 * @module
 */
import { median, type Row } from "./row.ts";
import { BenchSite } from "./usher.ts";

const ROUNDS = 11;
const GUEST = new URL("../../.cache/guest", import.meta.url).pathname;

/** Exec of QEMU to `query-status` answered, and `quit` to the process gone, in ms. */
async function bare(dir: string, i: number): Promise<[number, number]> {
  const path = `${dir}/bare-${i}`;
  const began = performance.now();
  const child = new Deno.Command("qemu-system-x86_64", {
    args: [
      "-machine",
      "pc",
      "-accel",
      "tcg",
      "-m",
      "128",
      "-display",
      "none",
      "-nodefaults",
      "-kernel",
      `${GUEST}/vmlinuz`,
      "-initrd",
      `${GUEST}/initrd`,
      "-append",
      "console=ttyS0",
      "-serial",
      "null",
      "-qmp",
      `unix:${path},server=on,wait=off`,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const socket = await connect(path);
  const lines = socket.readable.pipeThrough(new TextDecoderStream())
    .getReader();
  const writer = socket.writable.getWriter();
  const say = (execute: string) =>
    writer.write(new TextEncoder().encode(`{"execute":"${execute}"}\n`));
  await lines.read();
  await say("qmp_capabilities");
  await lines.read();
  await say("query-status");
  await lines.read();
  const started = performance.now() - began;
  const asked = performance.now();
  await say("quit");
  await child.status;
  const stopped = performance.now() - asked;
  socket.close();
  return [started, stopped];
}

async function connect(path: string): Promise<Deno.UnixConn> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    try {
      return await Deno.connect({ transport: "unix", path });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  throw new Error("bare QEMU did not listen");
}

/** A start and a poweroff of the micro guest through the API, minus bare QEMU's. */
export async function benchStart(): Promise<Row[]> {
  await using site = await BenchSite.start("qemu");
  const usher: [number, number][] = [];
  const floor: [number, number][] = [];
  const boot = {
    kernel: `${GUEST}/vmlinuz`,
    initrd: `${GUEST}/initrd`,
    cmdline: "console=ttyS0",
  };
  for (let i = 0; i < ROUNDS; i++) {
    floor.push(await bare(site.stateDir, i));
    const name = `g${i}`;
    let began = performance.now();
    await site.run({
      verb: "start",
      names: [name],
      spec: { memoryMiB: 128, boot },
    });
    const started = performance.now() - began;
    began = performance.now();
    await site.run({ verb: "poweroff", names: [name] });
    usher.push([started, performance.now() - began]);
    await site.run({ verb: "destroy", names: [name] });
  }
  const row = (name: string, which: 0 | 1, target: string): Row => {
    const value = median(usher.map((pair) => pair[which]));
    const bareMs = median(floor.map((pair) => pair[which]));
    return {
      name,
      value,
      unit: "ms",
      floor: bareMs,
      floorName: "bare QEMU",
      ratio: value / bareMs,
      note: `adds ${(value - bareMs).toFixed(1)} ms; target ${target}`,
    };
  };
  return [
    row("start of the micro guest through the API, to running", 0, "< 20 ms"),
    row("poweroff of it through the API", 1, "< 10 ms"),
  ];
}
