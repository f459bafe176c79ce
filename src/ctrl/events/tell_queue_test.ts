/**
 * The queue: in order within a lane, and no chain holds up another.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { type Queued, TellQueue } from "./tell_queue.ts";

/** A queue whose chains end when the test says so. */
function queue(limit: number) {
  const begun: Queued[] = [];
  const ends = new Map<string, () => void>();
  const its = new TellQueue<Queued>((told) => {
    begun.push(told);
    return new Promise((resolve) => ends.set(told.id, resolve));
  }, limit);
  its.open();
  const end = async (id: string) => {
    ends.get(id)?.();
    ends.delete(id);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { its, begun, ends, end, ids: () => begun.map(({ id }) => id) };
}

Deno.test("TellQueue tells one of a lane at a time, and lanes side by side", async () => {
  const { its, ids, end } = queue(10);
  its.add({ id: "1", event: "a", lane: "x" });
  its.add({ id: "2", event: "b", lane: "x" });
  its.add({ id: "3", event: "a", lane: "y" });
  deepStrictEqual(ids(), ["1", "3"]);
  await end("1");
  deepStrictEqual(ids(), ["1", "3", "2"]);
});

Deno.test("TellQueue lets a slow chain hold up no other", async () => {
  const { its, ids, end } = queue(1);
  its.add({ id: "1", event: "slow", lane: "x" });
  its.add({ id: "2", event: "slow", lane: "y" });
  its.add({ id: "3", event: "quick", lane: "z" });
  deepStrictEqual(ids(), ["1", "3"]);
  await end("1");
  deepStrictEqual(ids(), ["1", "3", "2"]);
});

Deno.test("TellQueue.drop() of a lane's next lets what is behind it go on", () => {
  const { its, ids } = queue(1);
  its.add({ id: "1", event: "slow", lane: "x" });
  const second = { id: "2", event: "slow", lane: "y" };
  its.add(second);
  its.add({ id: "3", event: "quick", lane: "y" });
  its.drop(second);
  deepStrictEqual(ids(), ["1", "3"]);
  strictEqual(its.waiting, 0);
});

Deno.test("TellQueue tells everything once, in each lane's order, never more of an event than it may", async () => {
  const told = fc.array(
    fc.record({
      event: fc.constantFrom("a", "b", "c"),
      lane: fc.constantFrom("x", "y", "z", "w"),
      isDropped: fc.boolean(),
    }),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(
      told,
      fc.integer({ min: 1, max: 3 }),
      async (all, limit) => {
        const { its, begun, ends, end, ids } = queue(limit);
        const queued = all.map((one, i) => ({ ...one, id: String(i) }));
        const dropped = new Set<string>();
        for (const one of queued) {
          its.add(one);
          if (one.isDropped && !ids().includes(one.id)) {
            its.drop(one);
            dropped.add(one.id);
          }
        }
        while (ends.size > 0) {
          for (const event of ["a", "b", "c"]) {
            const now = [...ends.keys()].filter((id) =>
              queued[Number(id)]?.event === event
            );
            strictEqual(now.length <= limit, true);
          }
          await end([...ends.keys()][0] ?? "");
        }
        const left = queued.filter(({ id }) => !dropped.has(id));
        strictEqual(begun.length, left.length);
        for (const lane of ["x", "y", "z", "w"]) {
          deepStrictEqual(
            begun.filter((one) => one.lane === lane).map(({ id }) => id),
            left.filter((one) => one.lane === lane).map(({ id }) => id),
          );
        }
      },
    ),
  );
});
