import assert from "node:assert/strict";
import { FakeClock } from "../../tests/support/fake_clock.ts";
import { until } from "../../tests/support/wait.ts";
import { systemClock } from "../sys/clock.ts";
import { readProcess, signalProcess } from "../sys/process_table.ts";
import {
  BUSY_MS,
  IDLE_MS,
  LimitWatch,
  type ProcessReader,
  type Watched,
} from "./limits.ts";

const MIB = 1024 * 1024;
const ID = { pid: 1, startTicks: 1 };

/** A watch on one made-up process, and what it did. */
class Scene {
  readonly clock = new FakeClock();
  readonly reasons: string[] = [];
  looks = 0;
  memoryMiB: number | null = 10;
  cpuSeconds: number | null = 0;
  isBusy = true;
  readonly limits = new LimitWatch(this.clock, this.#reader());
  readonly watch = this.limits.watch(this.process());

  process(over: Partial<Watched> = {}): Watched {
    return {
      id: ID,
      limits: { memory: 100, cpu: 1 },
      isBusy: () => this.isBusy,
      passed: (reason) => void this.reasons.push(reason),
      ...over,
    };
  }

  #reader(): ProcessReader {
    return {
      memory: () => {
        this.looks++;
        return this.memoryMiB === null ? null : this.memoryMiB * MIB;
      },
      cpu: () => this.cpuSeconds,
    };
  }

  async pass(ms: number, step = BUSY_MS): Promise<void> {
    for (let gone = 0; gone < ms; gone += step) await this.clock.advance(step);
  }
}

Deno.test("a process at work is looked at every 50 ms, and one that rests every second", async () => {
  const scene = new Scene();
  await scene.pass(1000);
  assert.equal(scene.looks, 1000 / BUSY_MS);
  scene.isBusy = false;
  await scene.pass(BUSY_MS);
  scene.looks = 0;
  await scene.pass(10 * IDLE_MS);
  assert.ok(scene.looks >= 9 && scene.looks <= 11, `${scene.looks} looks`);
});

Deno.test("one that rests and begins to work is looked at within 50 ms", async () => {
  const scene = new Scene();
  scene.isBusy = false;
  await scene.pass(3 * IDLE_MS);
  scene.isBusy = true;
  scene.looks = 0;
  scene.limits.wake();
  await scene.pass(BUSY_MS);
  assert.equal(scene.looks, 1);
});

Deno.test("memory up to the limit is let be; above it the process is named once, with both figures", async () => {
  const scene = new Scene();
  scene.memoryMiB = 100;
  await scene.pass(500);
  assert.deepEqual(scene.reasons, []);
  assert.equal(scene.watch.memoryMiB, 100);
  scene.memoryMiB = 301;
  await scene.pass(500);
  assert.deepEqual(scene.reasons, [
    "it has 301 MiB of memory, and 100 MiB is its limit",
  ]);
});

Deno.test("processors are averaged over ten seconds: a burst passes, going on does not", async () => {
  const burst = new Scene();
  burst.cpuSeconds = 8;
  await burst.pass(20_000, 2000);
  burst.cpuSeconds = 16;
  await burst.pass(20_000, 2000);
  assert.deepEqual(burst.reasons, []);

  const steady = new Scene();
  for (let i = 0; i < 15 && steady.reasons.length === 0; i++) {
    steady.cpuSeconds! += 1.8;
    await steady.pass(1000, 1000);
  }
  assert.match(steady.reasons[0] ?? "", /s of processor in ten seconds/);
});

Deno.test("one thread that never rests keeps to one processor", async () => {
  const scene = new Scene();
  for (let i = 0; i < 20; i++) {
    scene.cpuSeconds! += 1;
    await scene.pass(1000, 1000);
  }
  assert.deepEqual(scene.reasons, []);
});

Deno.test("a process that is gone passes no bound", async () => {
  const scene = new Scene();
  scene.memoryMiB = scene.cpuSeconds = null;
  await scene.pass(1000);
  assert.deepEqual(scene.reasons, []);
});

Deno.test("nothing runs while nothing is watched", async () => {
  const scene = new Scene();
  scene.watch[Symbol.dispose]();
  await scene.pass(1000);
  assert.equal(scene.looks, 0);
});

Deno.test("what one process passes is told of that one alone", async () => {
  const scene = new Scene();
  const others: string[] = [];
  scene.limits.watch(scene.process({
    limits: { memory: 1000, cpu: 1 },
    passed: (reason) => void others.push(reason),
  }));
  scene.memoryMiB = 200;
  await scene.pass(1000);
  assert.equal(scene.reasons.length, 1);
  assert.deepEqual(others, []);
});

Deno.test("a real process that grows is found by /proc, and its program is not counted", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "const all = []; for (;;) all.push('x'.repeat(1e6) + Math.random(), new Uint8Array(1e6).fill(1));",
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const id = readProcess(child.pid)!;
  using limits = new LimitWatch(systemClock);
  let reason = "";
  limits.watch({
    id,
    limits: { memory: 300, cpu: 64 },
    isBusy: () => true,
    passed: (why) => {
      reason = why;
      signalProcess(id, "SIGKILL");
    },
  });
  await until("it is killed", () => reason !== "");
  assert.match(reason, /^it has \d+ MiB of memory, and 300 MiB is its limit$/);
  assert.equal((await child.status).signal, "SIGKILL");
});
