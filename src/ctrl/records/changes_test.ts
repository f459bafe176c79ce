/**
 * The change stream's memory: what can be resumed, and what is gone.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { vmIn } from "../../../tests/property/arbitraries.ts";
import { openMemoryStore } from "../../store/memory_store.ts";
import { Changes } from "./changes.ts";
import { Records } from "./records.ts";

async function world(kept: number) {
  const records = await Records.load(await openMemoryStore());
  const changes = new Changes(records, () => "now", kept);
  const vm = vmIn("running", "n1", "01a");
  const change = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await records.write([{ kind: "vm", key: vm.uid, value: vm }]);
    }
  };
  return { records, changes, change };
}

Deno.test("Changes gives what came after a revision, in order, a part at a time", async () => {
  const { changes, change } = await world(100);
  // The first one makes its cluster known as well.
  await change(1);
  const first = changes.newest;
  await change(5);
  deepStrictEqual(
    changes.after(first + 2)?.map(({ change }) => change.revision),
    [first + 3, first + 4, first + 5],
  );
  strictEqual(changes.after(first, 2)?.length, 2);
  deepStrictEqual(changes.after(changes.newest), []);
});

Deno.test("Changes keeps no more than its limit, and says what is gone", async () => {
  const { changes, change } = await world(10);
  const first = changes.newest;
  await change(100);
  strictEqual(changes.after(first), null, "a reader so slow is cut off");
  deepStrictEqual([
    changes.reaches(first),
    changes.reaches(changes.newest - 9),
    changes.reaches(changes.newest),
    changes.reaches(changes.newest + 1),
  ], [false, true, true, false]);
  strictEqual(changes.after(changes.newest - 9)?.length, 9);
  const oldest = changes.newest - 10;
  deepStrictEqual(
    changes.after(oldest)?.map(({ change }) => change.revision),
    Array.from({ length: 10 }, (_, i) => oldest + 1 + i),
  );
  strictEqual(changes.after(oldest - 1), null, "not one more is kept");
});

Deno.test("Changes.next() wakes at a change, at its signal, and at the end", async () => {
  const { changes, change } = await world(10);
  const waiting = changes.next(new AbortController().signal);
  await change(1);
  await waiting;
  await changes.next(AbortSignal.abort());
  const last = changes.next(new AbortController().signal);
  changes.close();
  await last;
});

Deno.test("Changes keeps more or less from now on, and goes on in order", async () => {
  const { changes, change } = await world(10);
  await change(25);
  const last = changes.newest;
  const revisions = (from: number) =>
    changes.after(last + from)?.map(({ change }) => change.revision - last) ??
      null;
  deepStrictEqual(revisions(-4), [-3, -2, -1, 0]);
  changes.resize(4);
  strictEqual(revisions(-5), null, "what is too much is gone");
  deepStrictEqual(revisions(-4), [-3, -2, -1, 0]);
  changes.resize(6);
  await change(2);
  deepStrictEqual(revisions(-4), [-3, -2, -1, 0, 1, 2]);
  await change(1);
  strictEqual(revisions(-4), null);
  deepStrictEqual(revisions(-3), [-2, -1, 0, 1, 2, 3]);
});
