import assert from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { until } from "../../../tests/support/wait.ts";
import { systemClock } from "../../sys/clock.ts";
import { readProcess, signalProcess } from "../../sys/process_table.ts";
import {
  BUSY_MS,
  IDLE_MS,
  LimitWatch,
  type ProcessReader,
  type WatchedProcess,
} from "./limits.ts";

const MIB = 1024 * 1024;
const ID = { pid: 1, startTicks: 1 };

/** A watch on one made-up process, and what it did. */
class Scene {
  readonly clock = new FakeClock();
  readonly reasons: string[] = [];
  readonly lowered: number[] = [];
  readonly raised: number[] = [];
  looks = 0;
  memoryMiB: number | null = 10;
  cpuSeconds: number | null = 0;
  calls = 1;
  isStarting = false;
  others: WatchedProcess[] = [];
  isThere = true;
  readonly limits = new LimitWatch(
    this.clock,
    () => this.#list(),
    this.#reader(),
  );

  constructor() {
    this.limits.wake();
  }

  #list(): WatchedProcess[] {
    const own = {
      plugins: ["one"],
      id: ID,
      limits: [{ memory: 100, cpu: 1 }],
      calls: this.calls,
      isStarting: this.isStarting,
      kill: (why: string) => void this.reasons.push(why),
    };
    return this.isThere ? [own, ...this.others] : this.others;
  }

  #reader(): ProcessReader {
    return {
      memory: () => {
        this.looks++;
        return this.memoryMiB === null ? null : this.memoryMiB * MIB;
      },
      cpu: () => this.cpuSeconds,
      lower: ({ pid }) => void this.lowered.push(pid),
      raise: ({ pid }) => void this.raised.push(pid),
    };
  }
}

Deno.test("a process that has calls is looked at every 50 ms, and one without four times a second", async () => {
  const scene = new Scene();
  await scene.clock.advance(500);
  assert.equal(scene.looks, 500 / BUSY_MS);
  scene.calls = 0;
  await scene.clock.advance(BUSY_MS);
  scene.looks = 0;
  await scene.clock.advance(10 * IDLE_MS);
  assert.ok(scene.looks >= 9 && scene.looks <= 11, `${scene.looks} looks`);
});

Deno.test("one that rests and gets a call is looked at within 50 ms", async () => {
  const scene = new Scene();
  scene.calls = 0;
  await scene.clock.advance(3 * IDLE_MS);
  scene.calls = 1;
  scene.looks = 0;
  scene.limits.wake();
  await scene.clock.advance(BUSY_MS);
  assert.equal(scene.looks, 1);
});

Deno.test("memory up to the limit is let be; above it the process is killed, with both figures", async () => {
  const scene = new Scene();
  scene.memoryMiB = 100;
  await scene.clock.advance(200);
  assert.deepEqual(scene.reasons, []);
  assert.equal(scene.limits.memoryMiB(ID), 100);
  scene.memoryMiB = 301;
  await scene.clock.advance(BUSY_MS);
  assert.deepEqual(scene.reasons, [
    "its process has 301 MiB of memory, and 100 MiB is its limit",
  ]);
});

Deno.test("processors are averaged over ten seconds: a burst passes, going on does not", async () => {
  const burst = new Scene();
  burst.calls = 0;
  burst.cpuSeconds = 8;
  await burst.clock.advance(12_000);
  burst.cpuSeconds = 16;
  await burst.clock.advance(1000);
  assert.deepEqual(burst.reasons, []);

  const steady = new Scene();
  steady.calls = 0;
  for (let i = 0; i < 15 && steady.reasons.length === 0; i++) {
    steady.cpuSeconds! += 1.8;
    await steady.clock.advance(1000);
  }
  assert.match(steady.reasons[0] ?? "", /s of processor in ten seconds/);
});

Deno.test("what a process used until the first look, on a machine where starting takes long, is not held against it", async () => {
  const scene = new Scene();
  scene.calls = 0;
  scene.cpuSeconds = 30;
  for (let i = 0; i < 12; i++) {
    await scene.clock.advance(1000);
    scene.cpuSeconds += 0.9;
  }
  assert.deepEqual(scene.reasons, []);
});

Deno.test("one thread that never rests keeps to one processor", async () => {
  const scene = new Scene();
  scene.calls = 0;
  for (let i = 0; i < 20; i++) {
    scene.cpuSeconds! += 1;
    await scene.clock.advance(1000);
  }
  assert.deepEqual(scene.reasons, []);
});

Deno.test("whoever keeps a processor busy has what others leave, and is told so once", async () => {
  const scene = new Scene();
  scene.calls = 0;
  // What it used before it was looked at is not counted.
  scene.cpuSeconds = 0.4;
  await scene.clock.advance(IDLE_MS);
  for (let i = 0; i < 8; i++) {
    scene.cpuSeconds! += i % 2 === 0 ? 0.25 : 0;
    await scene.clock.advance(IDLE_MS);
  }
  assert.deepEqual(scene.lowered, []);
  for (let i = 0; i < 8; i++) {
    scene.cpuSeconds! += 0.25;
    await scene.clock.advance(IDLE_MS);
  }
  assert.deepEqual(scene.lowered, [ID.pid]);
  assert.deepEqual(scene.raised, []);
});

Deno.test("whoever starts is in nobody's way for as long as that takes", async () => {
  const scene = new Scene();
  scene.calls = 0;
  scene.isStarting = true;
  for (let i = 0; i < 20; i++) {
    scene.cpuSeconds! += 0.25;
    await scene.clock.advance(IDLE_MS);
  }
  assert.deepEqual(scene.lowered, []);
  scene.isStarting = false;
  for (let i = 0; i < 3; i++) {
    scene.cpuSeconds! += 0.25;
    await scene.clock.advance(IDLE_MS);
  }
  assert.deepEqual(scene.lowered, [ID.pid]);
});

Deno.test("whoever has rested for five seconds has again what others have, and is lowered again when it does not", async () => {
  const scene = new Scene();
  const work = async (seconds: number) => {
    for (let i = 0; i < 4; i++) {
      scene.cpuSeconds! += seconds;
      await scene.clock.advance(IDLE_MS);
    }
  };
  scene.calls = 0;
  await work(0.25);
  assert.deepEqual([scene.lowered.length, scene.raised.length], [1, 0]);
  for (let i = 0; i < 4; i++) await work(0.1);
  assert.deepEqual(scene.raised, []);
  await work(0.1);
  await work(0.1);
  assert.deepEqual(scene.raised, [ID.pid]);
  await work(0.25);
  assert.deepEqual(scene.lowered, [ID.pid, ID.pid]);
});

Deno.test("a process that is gone passes no bound, and one that comes is found", async () => {
  const scene = new Scene();
  scene.memoryMiB = scene.cpuSeconds = null;
  await scene.clock.advance(200);
  assert.deepEqual(scene.reasons, []);
  scene.isThere = false;
  await scene.clock.advance(1000);
  scene.isThere = true;
  scene.looks = 0;
  await scene.clock.advance(IDLE_MS);
  assert.ok(scene.looks > 0);
  scene.limits[Symbol.dispose]();
  assert.equal(scene.clock.sleeping, 0);
});

Deno.test("plugins that share a process have their limits together", async () => {
  const scene = new Scene();
  const killed: string[] = [];
  scene.others = [{
    plugins: ["two", "three"],
    id: { pid: 2, startTicks: 1 },
    limits: [{ memory: 150, cpu: 1 }, { memory: 150, cpu: 1 }],
    calls: 1,
    kill: (why) => void killed.push(why),
  }];
  scene.memoryMiB = 200;
  await scene.clock.advance(BUSY_MS);
  assert.equal(scene.reasons.length, 1);
  assert.deepEqual(killed, []);
});

Deno.test("what a process used before another got its pid is not counted", async () => {
  const scene = new Scene();
  scene.isThere = false;
  const process = (startTicks: number): WatchedProcess => ({
    plugins: ["two"],
    id: { pid: 2, startTicks },
    limits: [{ memory: 1000, cpu: 1 }],
    calls: 1,
    kill: (why) => void scene.reasons.push(why),
  });
  scene.others = [process(1)];
  scene.cpuSeconds = 9;
  await scene.clock.advance(1000);
  scene.others = [process(2)];
  scene.cpuSeconds = 10;
  await scene.clock.advance(1000);
  assert.deepEqual(scene.reasons, []);
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
  let reason = "";
  using limits = new LimitWatch(systemClock, () =>
    reason !== "" ? [] : [{
      plugins: ["bomb"],
      id,
      limits: [{ memory: 300, cpu: 64 }],
      calls: 1,
      kill: (why) => {
        reason = why;
        signalProcess(id, "SIGKILL");
      },
    }]);
  limits.wake();
  await until("it is killed", () => reason !== "");
  assert.match(
    reason,
    /^its process has \d+ MiB of memory, and 300 MiB is its limit$/,
  );
  assert.equal((await child.status).signal, "SIGKILL");
});
