/**
 * Clusters: one record each, in the commit of its first VM.
 *
 * @module
 */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { newOperation, vmIn } from "../../../tests/property/arbitraries.ts";
import { FailingStore } from "../../store/failing_store.ts";
import { keys } from "../../store/key.ts";
import { openMemoryStore } from "../../store/memory_store.ts";
import { missingClusters } from "./clusters.ts";
import { Records } from "./records.ts";
import type { Write } from "./write.ts";

function vmNamed(name: string, uid: string) {
  return { ...vmIn("absent", null, uid), name };
}

function write(name: string, uid: string): Write {
  return { kind: "vm", key: uid, value: vmNamed(name, uid) };
}

Deno.test("the first VM of a cluster brings its record, and says who made it", async () => {
  const store = new FailingStore(await openMemoryStore());
  const records = await Records.load(store);
  const operation = { ...newOperation("start"), user: "root" };
  await records.write([
    write("a.lab.ann", operation.uid),
    write("b.lab.ann", "01b"),
    { kind: "operation", key: operation.id, value: operation },
  ]);
  await records.write([write("c.lab.ann", "01c"), write("d.n1.found", "01d")]);
  deepStrictEqual(
    [...records.clusters.values()].map(({ name, user, createdBy }) => [
      name,
      user,
      createdBy,
    ]),
    [["lab.ann", "ann", "root"], ["n1.found", "found", "found"]],
  );
  const again = await Records.load(store);
  strictEqual(again.clusters.size, 2);
});

Deno.test("a cluster whose first VM is not written is none, and comes with the next", async () => {
  const store = new FailingStore(await openMemoryStore());
  const records = await Records.load(store);
  store.fail();
  await rejects(records.write([write("a.lab.ann", "01a")]));
  strictEqual(records.clusters.latest("lab.ann"), undefined);
  await records.write([write("a.lab.ann", "01a")]);
  strictEqual(records.clusters.get("lab.ann")?.name, "lab.ann");
});

Deno.test("missingClusters() are those of VMs that an older usher wrote", async () => {
  const store = await openMemoryStore();
  for (const [name, uid] of [["a.lab.ann", "01a"], ["b.lab.ann", "01b"]]) {
    const value = vmNamed(name ?? "", uid ?? "");
    await store.commit([{ type: "set", key: keys.vm(value.uid), value }]);
  }
  const records = await Records.load(store);
  const missing = () => missingClusters(records.vms.values(), records.clusters);
  deepStrictEqual(missing().map(({ key }) => key), ["lab.ann"]);
  await records.write(missing());
  deepStrictEqual(missing(), []);
});
