import assert from "node:assert/strict";
import { until } from "../../../tests/support/wait.ts";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import type { RecordedEvent } from "../../schema/recorded_event.ts";
import { isoTime } from "../../sys/clock.ts";
import { silentLog } from "../../sys/log.ts";
import { readRecording } from "./read.ts";
import { Recording } from "./recording.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Recordings in a folder that goes with the test. */
class Bench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<Bench> {
    return new Bench(await Deno.makeTempDir({ prefix: "usher_recording_" }));
  }

  get folder(): string {
    return `${this.#folder}/events`;
  }

  recording(more: { keepMs?: number; bytes?: number } = {}): Recording {
    const context = { clock: this.clock, newId: () => "", log: silentLog };
    return new Recording(context, {
      folder: this.folder,
      keepMs: 7 * DAY,
      bytes: 10 * 1024 * 1024,
      ...more,
    });
  }

  event(
    event: string,
    args: unknown[] = [],
    more: Partial<RecordedEvent> = {},
  ): Omit<RecordedEvent, "type"> {
    return {
      at: isoTime(this.clock.now()),
      event,
      decision: "d",
      operation: null,
      depth: 0,
      args,
      answers: [],
      ...more,
    };
  }

  async files(): Promise<{ name: string; size: number; mode: number }[]> {
    const files = [];
    for await (const { name } of Deno.readDir(this.folder)) {
      const { size, mode } = await Deno.stat(`${this.folder}/${name}`);
      files.push({ name, size, mode: (mode ?? 0) & 0o777 });
    }
    return files.sort((a, b) => a.name < b.name ? -1 : 1);
  }

  async lines(sinceMs = 0) {
    return await Array.fromAsync(readRecording(this.folder, sinceMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

Deno.test("what was recorded is read back since a moment, with what each handler said", async () => {
  await using bench = await Bench.open();
  await using recording = bench.recording();
  const answers = [{
    plugin: "p",
    hash: "00",
    args: null,
    problem: { code: "refused", detail: "No" },
  }];
  recording.record(bench.event("start_request", [{ verb: "start" }]));
  await bench.clock.advance(HOUR);
  const since = bench.clock.now();
  recording.record(bench.event("pause", [{ name: "a" }], { answers }));
  const lines = await Array.fromAsync(recording.read(since));
  assert.deepEqual(lines, [{
    type: "event",
    ...bench.event("pause", [{ name: "a" }], { answers }),
  }]);
  assert.equal((await bench.lines()).length, 2);
  assert.deepEqual((await bench.files()).map(({ mode }) => mode), [0o600]);
});

Deno.test("it is written by itself after a moment, not before it is asked for", async () => {
  await using bench = await Bench.open();
  await using recording = bench.recording();
  for (let i = 0; i < 100; i++) recording.record(bench.event("start", [i]));
  assert.deepEqual(await bench.lines(), []);
  await bench.clock.advance(250);
  await recording.flush();
  assert.equal((await bench.lines()).length, 100);
});

Deno.test("what happens after its end is not recorded, and begins no file", async () => {
  await using bench = await Bench.open();
  const recording = bench.recording();
  recording.record(bench.event("start", [1]));
  await recording[Symbol.asyncDispose]();
  const files = await bench.files();
  recording.record(bench.event("start", [2]));
  await bench.clock.advance(60_000);
  await recording.flush();
  assert.deepEqual(await bench.files(), files);
  assert.equal((await bench.lines()).length, 1);
});

Deno.test("passwords, secrets and unheard reads are never recorded", async () => {
  await using bench = await Bench.open();
  await using recording = bench.recording();
  const secret = [{ user: "a", password: "geheim", address: "" }, false];
  recording.record(bench.event("client_authenticate", secret));
  recording.record(bench.event("lnm_authenticate", secret));
  recording.record(bench.event("request", [{ verb: "list" }]));
  recording.record(bench.event("request", [{ verb: "start" }]));
  await recording.flush();
  assert.deepEqual((await bench.lines()).map((line) => line.type), ["event"]);
  for (const event of ["client_authenticate", "list_request", "state_change"]) {
    assert.equal(recording.wants(event), false, event);
  }
  for (const event of ["request", "start_request", "migrate_request"]) {
    assert.equal(recording.wants(event), true, event);
  }
  assert.equal(recording.wants("own_request"), false);
});

Deno.test("a storm is cut short and counted, and pushes out nothing that was before", async () => {
  await using bench = await Bench.open();
  await using recording = bench.recording();
  recording.record(bench.event("start_request", ["before"]));
  const large = "x".repeat(1000);
  for (let i = 0; i < 20_000; i++) {
    recording.record(bench.event("state_change", [large]));
    if (i % 1000 === 0) await recording.flush();
  }
  assert.ok(recording.dropped > 15_000, `${recording.dropped}`);
  // What decides has an allowance of its own.
  recording.record(bench.event("start_request", ["after"]));
  await recording.flush();
  const lines = await bench.lines();
  const requests = lines.filter((line) =>
    line.type === "event" && line.event === "start_request"
  );
  assert.equal(requests.length, 2);
  const gaps = lines.filter((line) => line.type === "gap");
  assert.equal(
    gaps.reduce((sum, { dropped }) => sum + dropped, 0),
    recording.dropped,
  );
  // An hour later there is an allowance again.
  await bench.clock.advance(HOUR);
  const dropped = recording.dropped;
  recording.record(bench.event("state_change", [large]));
  assert.equal(recording.dropped, dropped);
});

Deno.test("the oldest goes when there is too much, and when it is too old", async () => {
  await using bench = await Bench.open();
  const bytes = 2 * 1024 * 1024;
  const large = "x".repeat(10_000);
  {
    await using recording = bench.recording({ bytes });
    for (let hour = 0; hour < 60; hour++) {
      for (let i = 0; i < 8; i++) {
        recording.record(bench.event("start", [hour, large]));
      }
      await recording.flush();
      await bench.clock.advance(HOUR);
    }
  }
  const all = (await bench.files()).reduce((sum, { size }) => sum + size, 0);
  assert.ok(all <= bytes && all > bytes / 2, `${all}`);
  const [oldest] = await bench.lines();
  assert.ok(oldest?.type === "event" && Number(oldest.args[0]) > 20);
  await bench.clock.advance(8 * DAY);
  await using recording = bench.recording({ bytes });
  recording.record(bench.event("start", ["new"]));
  await recording.flush();
  assert.deepEqual(
    (await bench.lines()).map((line) => line.type === "event" && line.args[0]),
    ["new"],
  );
});

Deno.test("what is too old goes also while nothing happens", async () => {
  await using bench = await Bench.open();
  const closing = new AbortController();
  await using recording = bench.recording();
  recording.record(bench.event("start", ["old"]));
  await recording.flush();
  const kept = recording.keep(closing.signal);
  await until("it has looked", () => bench.clock.sleeping === 1);
  await bench.clock.advance(7 * DAY);
  assert.equal((await bench.lines()).length, 1);
  await recording[Symbol.asyncDispose]();
  await using next = bench.recording();
  const keptOn = next.keep(closing.signal);
  // It looks at the disk before it sleeps again, and the clock waits for nobody.
  await until("it is gone", async () => {
    await bench.clock.advance(DAY / 24);
    return (await bench.files()).length === 0;
  });
  closing.abort();
  await Promise.all([kept, keptOn]);
});

Deno.test("a controller that was killed while it wrote spoils no more than its last line", async () => {
  await using bench = await Bench.open();
  {
    await using recording = bench.recording();
    recording.record(bench.event("start", [1]));
    recording.record(bench.event("start", [2]));
  }
  const [file] = await bench.files();
  const path = `${bench.folder}/${file?.name}`;
  await Deno.truncate(path, (file?.size ?? 0) - 10);
  await using recording = bench.recording();
  recording.record(bench.event("start", [3]));
  await recording.flush();
  assert.deepEqual(
    (await bench.lines()).map((line) => line.type === "event" && line.args[0]),
    [1, 3],
  );
});

Deno.test("a folder that cannot be written costs the recording alone", async () => {
  await using bench = await Bench.open();
  await Deno.writeTextFile(bench.folder, "no folder");
  await using recording = bench.recording();
  recording.record(bench.event("start", [1]));
  await recording.flush();
  assert.equal(recording.dropped, 1);
  await Deno.remove(bench.folder);
  recording.record(bench.event("start", [2]));
  await recording.flush();
  assert.deepEqual((await bench.lines()).map(({ type }) => type), [
    "gap",
    "event",
  ]);
});

Deno.test("a request for thousands of VMs is not recorded, and counted", async () => {
  await using bench = await Bench.open();
  await using recording = bench.recording();
  recording.record(bench.event("start_request", ["x".repeat(300_000)]));
  assert.equal(recording.dropped, 1);
  const vms = new Proxy(new Array(2001), {
    get: (target, key) => {
      // Nobody looks at what is in it.
      assert.ok(key === "length", String(key));
      return target.length;
    },
  });
  recording.record(bench.event("start_request", [{ vms }]));
  assert.equal(recording.dropped, 2);
});
