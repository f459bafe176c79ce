import assert from "node:assert/strict";
import { type Sample, UsageFrames } from "./usage_frames.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

function add(
  frames: UsageFrames,
  minute: number,
  cpu: number,
  ...subjects: string[]
): void {
  const frame = frames.begin(minute * MINUTE);
  for (const one of subjects) frame.put(one, { cpu, memoryMiB: 10 * cpu });
  frames.add(frame);
}

Deno.test("samples are there since a moment, oldest first, for a day", () => {
  const frames = new UsageFrames();
  for (let minute = 0; minute <= 26 * 60; minute++) {
    add(frames, minute, minute, "a", "b");
  }
  const now = 26 * 60 * MINUTE;
  const samples = frames.of("a", 0);
  assert.equal(samples.length, 24 * 60 + 1);
  assert.equal(Date.parse(samples[0]?.at ?? ""), now - DAY);
  assert.deepEqual(
    frames.of("b", now - 2 * MINUTE).map(({ cpu, memoryMiB }) => [
      cpu,
      memoryMiB,
    ]),
    [[1558, 15580], [1559, 15590], [1560, 15600]],
  );
  assert.deepEqual(frames.of("c", 0), []);
});

Deno.test("memory is bounded: old samples become means, and go at last", () => {
  const bytes = 100 * 8 * 60;
  const frames = new UsageFrames(bytes);
  const subjects = Array.from({ length: 100 }, (_, i) => `vm${i}`);
  for (let minute = 0; minute < 20 * 60; minute++) {
    add(frames, minute, minute, ...subjects);
    assert.ok(frames.bytes <= bytes);
  }
  const samples = frames.of("vm7", 0);
  const fine = samples.slice(-30);
  assert.deepEqual(
    fine.map(({ cpu }) => cpu),
    Array.from({ length: 30 }, (_, i) => 1170 + i),
  );
  // A mean of a quarter of an hour, which ends at its moment.
  const [mean] = samples;
  assert.equal(mean?.cpu, Date.parse(mean?.at ?? "") / MINUTE - 7);
  const reach = 1199 - Date.parse(mean?.at ?? "") / MINUTE;
  assert.ok(reach > 60 && samples.length <= 60, `${reach}`);
});

Deno.test("a new VM is not shown what another used in its place", () => {
  const frames = new UsageFrames(8 * 40);
  for (let minute = 0; minute < 20; minute++) {
    add(frames, minute, 5, "old");
  }
  // Its place is given away once it was not seen for a while.
  for (let minute = 20; minute < 45; minute++) add(frames, minute, 0);
  for (let minute = 45; minute < 110; minute++) add(frames, minute, 1, "new");
  assert.deepEqual(frames.of("old", 0), []);
  const samples = frames.of("new", 0);
  assert.ok(samples.length > 20);
  assert.deepEqual(new Set(samples.map(({ cpu }) => cpu)), new Set([1]));
});

Deno.test("what is not known is null, and nothing at all is no sample", () => {
  const frames = new UsageFrames();
  const samples: Sample[] = [
    { cpu: null, memoryMiB: 64 },
    { cpu: null, memoryMiB: null },
  ];
  for (const [minute, sample] of samples.entries()) {
    const frame = frames.begin(minute * MINUTE);
    frame.put("a", sample);
    frames.add(frame);
  }
  assert.deepEqual(
    frames.of("a", 0).map(({ cpu, memoryMiB }) => [
      cpu,
      memoryMiB,
    ]),
    [[null, 64]],
  );
});
