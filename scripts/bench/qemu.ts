/**
 * What the qemu driver adds to QEMU itself: a start against exec to
 * `query-status` answered, and a power cut against a bare `quit` to process
 * gone. Both sides in turn, in one run, with the same arguments.
 *
 * usage: deno run -A scripts/bench/qemu.ts [ROUNDS]
 *
 * @module
 */
import { commandLine } from "../../src/driver/qemu/command_line.ts";
import { layOut } from "../../src/driver/qemu/layout.ts";
import { openQemuDriver } from "../../src/driver/qemu/mod.ts";
import { QmpClient } from "../../src/driver/qemu/qmp/client.ts";
import { VmSpec } from "../../src/schema/vm.ts";
import { newId } from "../../src/sys/id.ts";
import { connectUnix } from "../../src/sys/unix_socket.ts";

const GUEST = new URL("../../.cache/guest", import.meta.url).pathname;
const SPEC = VmSpec.parse({
  memoryMiB: 128,
  boot: {
    kernel: `${GUEST}/vmlinuz`,
    initrd: `${GUEST}/initrd`,
    cmdline: "console=ttyS0 quiet",
  },
});

/** Milliseconds of one start and one power cut. */
interface Round {
  readonly start: number;
  readonly poweroff: number;
}

async function bareRound(dir: string): Promise<Round> {
  const layout = layOut(dir, dir)!;
  const uid = newId();
  const files = { ...layout.files(uid), consoleLog: `${dir}/${uid}.console` };
  const args = commandLine({
    uid,
    name: "bare",
    spec: SPEC,
    accel: "tcg",
    machine: "pc",
    files,
    overlay: () => "",
    isDevice: () => false,
  });
  const began = performance.now();
  const options = {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  } as const;
  const child = new Deno.Command("qemu-system-x86_64", options).spawn();
  const client = await connectAtOnce(files.monitors[0]);
  await client.execute("query-status", {}, { deadlineMs: 60_000 });
  const running = performance.now();
  client.execute("quit", {}, { deadlineMs: 60_000 }).catch(() => {});
  await child.status;
  const gone = performance.now();
  await client.ended;
  return { start: running - began, poweroff: gone - running };
}

async function connectAtOnce(path: string): Promise<QmpClient> {
  for (;;) {
    const client = new QmpClient();
    try {
      await client.open(() => connectUnix(path), AbortSignal.timeout(60_000));
      return client;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

async function driverRounds(
  dir: string,
  rounds: number,
): Promise<{ driver: Round[]; bare: Round[] }> {
  const context = {
    node: "n1",
    stateDir: `${dir}/state`,
    runDir: `${dir}/run`,
    log() {},
  };
  await using driver = await openQemuDriver(context, { accel: "tcg" });
  const { signal } = new AbortController();
  const result: { driver: Round[]; bare: Round[] } = { driver: [], bare: [] };
  await driver.probe(signal);
  for (let i = 0; i <= rounds; i++) {
    const plan = {
      uid: newId(),
      name: "web.lab.ann",
      generation: 1,
      incarnation: "bench",
      spec: SPEC,
    };
    const began = performance.now();
    await driver.start(plan, signal);
    const running = performance.now();
    await driver.stop(plan.uid, { graceMs: 0, signal });
    const gone = performance.now();
    await driver.forget(plan.uid, signal);
    const bare = await bareRound(dir);
    if (i === 0) continue; // the first of each warms caches
    result.driver.push({ start: running - began, poweroff: gone - running });
    result.bare.push(bare);
  }
  return result;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function least(values: readonly number[]): number {
  return Math.min(...values);
}

async function main(): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "ubench" });
  try {
    const { driver, bare } = await driverRounds(
      dir,
      Number(Deno.args[0] ?? 11),
    );
    for (const key of ["start", "poweroff"] as const) {
      const [ours, theirs] = [driver, bare].map((rounds) =>
        rounds.map((round) => round[key])
      );
      console.log(
        `${key}: driver ${median(ours!).toFixed(1)} ms, bare ${
          median(theirs!).toFixed(1)
        } ms, ` +
          `added ${
            (median(ours!) - median(theirs!)).toFixed(1)
          } ms (medians of ${ours!.length}); ` +
          `best ${least(ours!).toFixed(1)} and ${least(theirs!).toFixed(1)} ms`,
      );
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

if (import.meta.main) await main();
