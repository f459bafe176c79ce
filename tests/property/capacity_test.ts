/**
 * What is known of nodes' room is what the records say, whatever was written,
 * and whatever could not be written.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import { Capacity } from "../../src/ctrl/records/capacity.ts";
import { Records, type Write } from "../../src/ctrl/records/records.ts";
import { Node } from "../../src/schema/node.ts";
import { Operation } from "../../src/schema/operation.ts";
import { Vm } from "../../src/schema/vm.ts";
import { FailingStore } from "../../src/store/failing_store.ts";
import { openMemoryStore } from "../../src/store/memory_store.ts";
import { placementNode } from "../support/placement.ts";
import { AT } from "./arbitraries.ts";

function ulid(prefix: string, i: number): string {
  return `${prefix}${"z".repeat(24)}${i}`;
}

const which = fc.integer({ min: 0, max: 3 });
const nodeName = fc.constantFrom("n0", "n1", "n2");

const vmWrite = fc.record({
  i: which,
  gone: fc.boolean(),
  node: fc.option(nodeName),
  state: fc.constantFrom("absent", "running", "stopped", "unknown"),
  memoryMiB: fc.constantFrom(64, 300),
  apartFrom: fc.constantFrom([], ["web-*"], ["db", "web-1"]),
}).map(({ i, gone, node, state, memoryMiB, apartFrom }): Write => ({
  kind: "vm",
  key: ulid("1", i),
  value: gone ? null : Vm.parse({
    v: 1,
    uid: ulid("1", i),
    name: `web-${i}.default.${i % 2 === 0 ? "ann" : "bob"}`,
    generation: 1,
    spec: { driver: "sim", memoryMiB, placement: { apartFrom } },
    status: {
      state,
      reason: "",
      incarnation: null,
      since: AT,
      observedGeneration: 0,
    },
    node,
    args: {},
    createdAt: AT,
    revision: 0,
  }),
}));

const operationWrite = fc.record({
  i: which,
  vm: which,
  gone: fc.boolean(),
  verb: fc.constantFrom("start", "cycle", "migrate", "pause"),
  state: fc.constantFrom(
    "pending",
    "running",
    "cancelling",
    "succeeded",
    "failed",
  ),
  to: fc.option(nodeName),
}).map(({ i, vm, gone, verb, state, to }): Write => ({
  kind: "operation",
  key: ulid("2", i),
  value: gone ? null : Operation.parse({
    v: 1,
    id: ulid("2", i),
    request: "request-1",
    index: i,
    verb,
    uid: ulid("1", vm),
    vm: `web-${vm}.default.ann`,
    user: "ann",
    state,
    step: null,
    begun: [],
    node: null,
    from: null,
    to: verb === "migrate" ? to : null,
    waitsFor: null,
    options: {},
    args: {},
    changed: false,
    problem: null,
    trail: [],
    createdAt: AT,
    startedAt: null,
    endedAt: null,
    revision: 0,
  }),
}));

const nodeWrite = fc.record({ name: nodeName, gone: fc.boolean() }).map((
  { name, gone },
): Write => ({
  kind: "node",
  key: name,
  value: gone ? null : Node.parse({
    v: 1,
    ...placementNode(name),
    version: "1",
    joinedAt: AT,
    revision: 0,
  }),
}));

const write = fc.oneof(
  { weight: 4, arbitrary: vmWrite },
  { weight: 3, arbitrary: operationWrite },
  { weight: 1, arbitrary: nodeWrite },
);

/** Writes that go out together, several at once, and which of them fail. */
const round = fc.record({
  commits: fc.array(fc.array(write, { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 3,
  }),
  fails: fc.option(fc.record({ after: fc.nat(2), times: fc.nat(2) })),
});

/** An operation is about one VM for ever, as those are that the controller makes. */
function aboutOneVm(rounds: readonly { commits: Write[][] }[]): boolean {
  const about = new Map<string, string>();
  for (const write of rounds.flatMap(({ commits }) => commits.flat())) {
    if (write.kind !== "operation" || write.value === null) continue;
    const known = about.get(write.key) ?? write.value.uid;
    if (known !== write.value.uid) return false;
    about.set(write.key, known);
  }
  return true;
}

function compare(records: Records): void {
  deepStrictEqual(
    records.capacity.picture.snapshot(),
    Capacity.of(records, "spread").picture.snapshot(),
  );
  deepStrictEqual(
    taken(records.capacity),
    taken(Capacity.of(records, "spread")),
  );
}

/** What everybody takes of quotas. */
function taken({ holdings }: Capacity): unknown[] {
  return [...holdings.subjects()].toSorted().map((subject) => [
    subject,
    holdings.taken(subject),
  ]);
}

Deno.test("capacity equals what is made anew from the records, after any history of writes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(round, { minLength: 1, maxLength: 8 }),
      async (rounds) => {
        fc.pre(aboutOneVm(rounds));
        await using store = new FailingStore(await openMemoryStore());
        const records = await Records.load(store);
        for (const { commits, fails } of rounds) {
          if (fails !== null) store.fail(fails);
          store.hold();
          const written = commits.map((writes) => records.write(writes));
          compare(records);
          store.release();
          await Promise.allSettled(written);
          compare(records);
        }
        store.fail({ times: 0 });
        deepStrictEqual(
          (await Records.load(store)).capacity.picture.snapshot(),
          records.capacity.picture.snapshot(),
        );
      },
    ),
    { numRuns: 300 },
  );
});
