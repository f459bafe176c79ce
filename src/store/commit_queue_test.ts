/**
 * What a capture notes of the writes that are made beside it.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { isUsherError, UsherError } from "../error/mod.ts";
import type { Backend } from "./backend.ts";
import { CommitQueue } from "./commit_queue.ts";
import { encodeMutation, type Write } from "./record.ts";

/** A database whose writes end when the test says so. */
class HeldBackend implements Backend {
  held = Promise.withResolvers<void>();
  written = 0;

  async write(): Promise<void> {
    this.written++;
    await this.held.promise;
  }
  read = () => Promise.resolve(null);
  async *scan() {}
  close = () => Promise.resolve();
}

function write(name: string): Write[] {
  return [encodeMutation({ type: "set", key: [name], value: name })];
}

function namesOf(writes: readonly Write[]): string[] {
  return writes.map(({ key }) => String(key[0]));
}

Deno.test("CommitQueue.capture notes the write that was under way at its begin, and waits for the one at its end", async () => {
  const backend = new HeldBackend();
  const queue = new CommitQueue(backend, () => {});
  const first = queue.add(write("a"));
  while (backend.written === 0) await setImmediate();
  const capture = queue.capture();
  let isOver = false;
  const end = capture.end().then((writes) => {
    isOver = true;
    return writes;
  });
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  strictEqual(isOver, false);
  backend.held.resolve();
  await first;
  deepStrictEqual(namesOf(await end), ["a"]);
});

Deno.test("CommitQueue.capture leaves out what comes after its end", async () => {
  const backend = new HeldBackend();
  backend.held.resolve();
  const queue = new CommitQueue(backend, () => {});
  const capture = queue.capture();
  await queue.add(write("a"));
  await queue.add(write("a"));
  const writes = await capture.end();
  await queue.add(write("b"));
  deepStrictEqual(namesOf(writes), ["a"]);
});

Deno.test("CommitQueue.capture answers with the error of a write whose outcome is unknown", async () => {
  const backend = new HeldBackend();
  const queue = new CommitQueue(backend, () => {});
  const capture = queue.capture();
  const commit = rejects(queue.add(write("a")));
  while (backend.written === 0) await setImmediate();
  backend.held.reject(new UsherError("interrupted", "The answer was lost"));
  await commit;
  await rejects(capture.end(), (error) => isUsherError(error, "interrupted"));
});
