/**
 * Writing for as long as it takes, and no longer.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { newOperation } from "../../../tests/property/arbitraries.ts";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { until } from "../../../tests/support/wait.ts";
import { UsherError } from "../../error/mod.ts";
import { FailingStore } from "../../store/failing_store.ts";
import { openMemoryStore } from "../../store/memory_store.ts";
import { newId } from "../../sys/id.ts";
import { silentLog } from "../../sys/log.ts";
import { Records } from "../records/records.ts";
import { durably } from "./durably.ts";
import { operationWrite } from "./writes.ts";

async function world() {
  const store = new FailingStore(await openMemoryStore());
  const records = await Records.load(store);
  const clock = new FakeClock();
  const stop = new AbortController();
  const context = { clock, newId, log: silentLog };
  let asked = 0;
  const plan = () => {
    const operation = { ...newOperation("start"), index: asked++ };
    return { writes: [operationWrite(operation)], result: operation.index };
  };
  return {
    store,
    records,
    clock,
    stop,
    plan,
    write: () => durably({ context, records, stopped: stop.signal }, plan),
  };
}

/** What `writing` comes to; the store takes its own time, so the clock goes on until then. */
async function after<T>(clock: FakeClock, writing: Promise<T>): Promise<T> {
  let isOver = false;
  void writing.finally(() => isOver = true);
  await until("it is written", async () => {
    await clock.advance(1000);
    return isOver;
  });
  return await writing;
}

Deno.test("durably() asks anew before each attempt, and writes what is then so", async () => {
  const { store, records, clock, write } = await world();
  store.fail({ times: 3 });
  strictEqual(await after(clock, write()), 3);
  deepStrictEqual(
    [...records.operations.values()].map(({ index }) => index),
    [3],
  );
});

Deno.test("durably() goes on when nobody knows whether it was written", async () => {
  const { store, clock, write } = await world();
  store.fail({ outcome: "lost" });
  strictEqual(await after(clock, write()), 1);
});

Deno.test("durably() does not try again what trying cannot help", async () => {
  const { store, write } = await world();
  for (const code of ["stale", "internal"] as const) {
    store.fail({ error: new UsherError(code, "No") });
    await rejects(write(), { code });
  }
});

Deno.test("durably() with nothing to write waits for what its plan believed, and asks again when that failed", async () => {
  const { store, records, clock, stop } = await world();
  const operation = newOperation("start");
  store.hold();
  const other = records.write([operationWrite(operation)]);
  const believing = durably(
    {
      context: { clock, newId, log: silentLog },
      records,
      stopped: stop.signal,
    },
    () => ({
      writes: [],
      result: records.operations.latest(operation.id) !== undefined,
    }),
  );
  store.fail({ times: 2 });
  store.release();
  await rejects(other, /disk is full/);
  await clock.advance(1000);
  strictEqual(await believing, false);
});

Deno.test("durably() gives up when the controller ends, and writes nothing when there is nothing", async () => {
  const { store, records, clock, stop, write } = await world();
  store.fail({ times: 1000 });
  const writing = write();
  await clock.advance(500);
  stop.abort(new Error("the controller ends"));
  await rejects(writing, /the controller ends/);
  store.fail({ times: 0 });
  const context = { clock, newId, log: silentLog };
  strictEqual(
    await durably(
      { context, records, stopped: stop.signal },
      () => ({ writes: [], result: "nothing" }),
    ),
    "nothing",
  );
});
