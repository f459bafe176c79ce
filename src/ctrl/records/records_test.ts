/**
 * Records: nothing is seen before it is durable, and a failed write leaves no
 * trace.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { newOperation, vmIn } from "../../../tests/property/arbitraries.ts";
import { keys } from "../../store/key.ts";
import { FailingStore } from "../../store/failing_store.ts";
import { openMemoryStore } from "../../store/memory_store.ts";
import { type Change, Records } from "./records.ts";

async function open() {
  const store = new FailingStore(await openMemoryStore());
  return { store, records: await Records.load(store) };
}

const VM = vmIn("running", "n1", "01a");

Deno.test("Records.write() shows a value to decisions at once and to readers once it is durable", async () => {
  const { store, records } = await open();
  store.hold();
  const seen: Change[] = [];
  records.subscribe((changes) => void seen.push(...changes));
  const writing = records.write([{ kind: "vm", key: VM.uid, value: VM }]);
  strictEqual(records.byName(VM.name)?.uid, VM.uid);
  strictEqual(records.vms.get(VM.uid), undefined);
  deepStrictEqual(seen, []);
  store.release();
  await writing;
  strictEqual(records.vms.get(VM.uid)?.name, VM.name);
  deepStrictEqual(seen.map(({ kind, name }) => [kind, name]), [
    ["cluster", "lab.ann"],
    ["vm", VM.name],
  ]);
});

Deno.test("Records.write() that fails leaves no value, no name and no change", async () => {
  const { store, records } = await open();
  const seen: Change[] = [];
  records.subscribe((changes) => void seen.push(...changes));
  store.fail();
  const operation = newOperation("start");
  await rejects(records.write([
    { kind: "vm", key: VM.uid, value: VM },
    { kind: "operation", key: operation.id, value: operation },
  ]));
  strictEqual(records.byName(VM.name), undefined);
  strictEqual(records.operations.latest(operation.id), undefined);
  strictEqual(records.byRequest.get(operation.request), undefined);
  deepStrictEqual(seen, []);
});

Deno.test("Records.write() that deletes and fails keeps the name", async () => {
  const { store, records } = await open();
  await records.write([{ kind: "vm", key: VM.uid, value: VM }]);
  store.fail();
  await rejects(records.write([{ kind: "vm", key: VM.uid, value: null }]));
  strictEqual(records.byName(VM.name)?.uid, VM.uid);
});

Deno.test("Records never give a revision out twice, even after a crash and many failures", async () => {
  const store = new FailingStore(await openMemoryStore());
  const first = await Records.load(store);
  store.fail({ times: 120_000 });
  const value = newOperation("start");
  const write = () =>
    first.write([{ kind: "operation", key: value.id, value }]);
  for (let i = 0; i < 120_000; i += 1000) {
    await Promise.allSettled(Array.from({ length: 1000 }, write));
  }
  await write();
  const ceiling = await store.get(keys.meta("revision"));
  ok((ceiling as number) >= first.revision, `${ceiling} ${first.revision}`);
  ok((await Records.load(store)).revision >= first.revision);
});

Deno.test("Records.load() keeps the order of a request, in whatever order its operations lie", async () => {
  const { store, records } = await open();
  // As after a clock that went back between two of them.
  const operations = [["01hzzzzzzzzzzzzzzzzzzzzzz9", 0], [
    "01hzzzzzzzzzzzzzzzzzzzzzz1",
    1,
  ]].map(([id, index]) => ({
    ...newOperation("start"),
    id: id as string,
    index: index as number,
  }));
  await records.write(
    operations.map((value) => ({ kind: "operation", key: value.id, value })),
  );
  const again = await Records.load(store);
  deepStrictEqual(again.byRequest.get("r"), operations.map(({ id }) => id));
});
