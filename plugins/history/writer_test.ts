/**
 * The writer and many rows: a part after another, so that nobody waits for all
 * of them.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Row, Sink } from "./tables.ts";
import { Writer } from "./writer.ts";

const TIMEOUT_MS = 10_000;

/** Notes what it is given; parts of `fails` are refused. */
class NotingSink implements Sink {
  readonly batches: (readonly Row[])[] = [];
  /** What each look for old rows finds. */
  readonly old: number[] = [];
  readonly #fails: number;

  constructor(fails = Infinity) {
    this.#fails = fails;
  }

  write(rows: readonly Row[]): Promise<void> {
    this.batches.push(rows);
    return this.batches.length === this.#fails
      ? Promise.reject(new Error("The disk is full"))
      : Promise.resolve();
  }

  prune(): Promise<number> {
    return Promise.resolve(this.old.shift() ?? 0);
  }

  close(): void {}
}

function rows(count: number): Row[] {
  const row: Row = { table: "usage_sample", values: {} };
  return Array(count).fill(row);
}

const EVENT: Row = { table: "vm_event", values: {} };

function writerTo(sink: Sink): Writer {
  return new Writer(() => Promise.resolve(sink), TIMEOUT_MS);
}

Deno.test("writeMany() writes all, and what happens meanwhile before the rest", async () => {
  const sink = new NotingSink();
  const writer = writerTo(sink);
  const all = writer.writeMany(rows(5000), () => {});
  // As a call comes in: later than what is done at once.
  await new Promise((resolve) => setTimeout(resolve));
  await writer.write([EVENT]);
  strictEqual(await all, 5000);
  deepStrictEqual(sink.batches.flat().length, 5001);
  const at = sink.batches.findIndex((batch) => batch.includes(EVENT));
  strictEqual(at < sink.batches.length - 1, true);
  strictEqual(sink.batches.every(({ length }) => length <= 2001), true);
});

Deno.test("writeMany() says how many were written when a part is not", async () => {
  const failures: string[] = [];
  const writer = writerTo(new NotingSink(2));
  const written = await writer.writeMany(
    rows(5000),
    (error) => failures.push(String(error)),
  );
  strictEqual(written, 2000);
  deepStrictEqual(failures, ["Error: The disk is full"]);
});

Deno.test("write() takes more rows than a call takes arguments", async () => {
  const sink = new NotingSink();
  await writerTo(sink).write(rows(300_000));
  deepStrictEqual(sink.batches.map(({ length }) => length), [300_000]);
});

Deno.test("pruneSometimes() removes part after part, and then rests", async () => {
  const sink = new NotingSink();
  sink.old.push(2000, 2000, 17);
  const writer = writerTo(sink);
  const keep = { site: "usher", events: 1, usage: 1 };
  await writer.pruneSometimes(keep, 3_600_000);
  strictEqual(sink.old.length, 0);
  sink.old.push(5);
  await writer.pruneSometimes(keep, 3_660_000);
  strictEqual(sink.old.length, 1);
  await writer.pruneSometimes(keep, 7_200_000);
  strictEqual(sink.old.length, 0);
});
