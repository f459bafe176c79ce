/**
 * The janitor: what goes, what stays, and a sweep that fails half way.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { newOperation } from "../../tests/property/arbitraries.ts";
import { FakeClock } from "../../tests/support/fake_clock.ts";
import { FailingStore } from "../store/failing_store.ts";
import { openMemoryStore } from "../store/memory_store.ts";
import { isoTime } from "../sys/clock.ts";
import { newId } from "../sys/id.ts";
import { silentLog } from "../sys/log.ts";
import { keepTidy, sweep } from "./janitor.ts";
import { Records, type Write } from "./records/records.ts";

const clock = new FakeClock();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

async function world() {
  const store = new FailingStore(await openMemoryStore());
  const records = await Records.load(store);
  const context = { clock, newId, log: silentLog };
  return {
    store,
    records,
    sweep: (keepCount = 1000) =>
      sweep({ context, records, keepMs: HOUR, keepCount }),
  };
}

/** A request of `count` operations, of which the last ended so long ago; null: it did not. */
function request(id: string, count: number, agoMs: number | null): Write[] {
  const at = isoTime(clock.now() - (agoMs ?? 0));
  const operations = Array.from({ length: count }, (_, index) => ({
    ...newOperation("start"),
    id: newId(),
    request: id,
    index,
    state: agoMs === null ? "running" as const : "succeeded" as const,
    endedAt: agoMs === null ? null : at,
  }));
  return [
    {
      kind: "request",
      key: id,
      value: {
        v: 1,
        id,
        user: "ann",
        verb: "start",
        digest: "",
        count,
        createdAt: at,
      },
    },
    ...operations.map((value): Write => ({
      kind: "operation",
      key: value.id,
      value,
    })),
  ];
}

Deno.test("sweep() removes requests that ended long ago, whole, and none that runs", async () => {
  const { records, sweep } = await world();
  await records.write(request("old", 3, 2 * HOUR));
  await records.write(request("open", 2, null));
  await records.write(request("new", 1, HOUR / 2));
  strictEqual(await sweep(), 4);
  deepStrictEqual([...records.requests.values()].map(({ id }) => id), [
    "open",
    "new",
  ]);
  strictEqual(records.operations.size, 3);
  deepStrictEqual([...records.byRequest.keys()], ["open", "new"]);
});

Deno.test("sweep() removes the oldest when there are too many, and none that has just ended", async () => {
  const { records, sweep } = await world();
  const ids = () => [...records.requests.values()].map(({ id }) => id);
  for (const id of ["a", "b", "c"]) {
    await records.write(request(id, 10, 2 * MINUTE));
  }
  await records.write(request("asked again", 10, MINUTE / 2));
  await sweep(25);
  deepStrictEqual(ids(), ["c", "asked again"]);
  await sweep(5);
  deepStrictEqual(ids(), ["asked again"]);
});

Deno.test("a controller that never lives for a minute keeps no more than others", async () => {
  const { records } = await world();
  for (const id of ["a", "b", "c"]) {
    await records.write(request(id, 10, 2 * MINUTE));
  }
  const context = { clock, newId, log: silentLog };
  const others = { sweep: () => Promise.resolve(0) };
  const end = new AbortController();
  const kept = keepTidy({
    ...{ context, records, accounts: others, nodes: others },
    ...{ keepMs: HOUR, keepCount: 10 },
  }, end.signal);
  await clock.advance(2000);
  end.abort();
  await kept;
  strictEqual(records.operations.size, 10);
});

Deno.test("sweep() that failed half way is finished by the next", async () => {
  const { records, store, sweep } = await world();
  await records.write(request("large", 1000, 2 * HOUR));
  store.fail({ after: 1 });
  await rejects(sweep(), /disk is full/);
  strictEqual(records.operations.size, 600);
  await sweep();
  deepStrictEqual(
    [records.operations.size, records.requests.size, records.byRequest.size],
    [0, 0, 0],
  );
});

Deno.test("sweep() after a restart finds what a half sweep has left", async () => {
  const { records, store, sweep: first } = await world();
  await records.write(request("large", 1000, 2 * HOUR));
  store.fail({ after: 2 });
  await rejects(first());
  const again = await Records.load(store);
  const context = { clock, newId, log: silentLog };
  await sweep({ context, records: again, keepMs: HOUR, keepCount: 1000 });
  deepStrictEqual([again.operations.size, again.requests.size], [0, 0]);
});
