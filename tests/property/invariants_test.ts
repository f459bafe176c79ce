/**
 * Checking what a change may have broken finds what checking everything does,
 * whatever the change and however broken the state.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import {
  applyChanges,
  checkAll,
  checkRecord,
  type Kind,
  type RecordChange,
  StoredState,
} from "../../src/core/invariants/invariants.ts";
import { MigrateOptions } from "../../src/schema/migrate.ts";
import { Node } from "../../src/schema/node.ts";
import type { NodeOperation } from "../../src/schema/node_operation.ts";
import type { Operation } from "../../src/schema/operation.ts";
import type { RequestRecord } from "../../src/schema/stored.ts";
import type { Vm } from "../../src/schema/vm.ts";
import {
  AT,
  newOperation,
  operationState,
  verb,
  vmIn,
  vmState,
} from "./arbitraries.ts";

// Few of everything, so that records meet.
const few = (name: string) =>
  fc.constantFrom(`${name}1`, `${name}2`, `${name}3`);
const revision = fc.integer({ min: 1, max: 6 });

const vm: fc.Arbitrary<Vm> = fc.record({
  uid: few("v"),
  name: fc.constantFrom("a.lab.ann", "b.lab.ann", "c.n1.found"),
  node: fc.option(few("n")),
  state: vmState,
  incarnation: fc.option(few("o")),
  generation: fc.integer({ min: 1, max: 2 }),
  observedGeneration: fc.integer({ min: 0, max: 2 }),
  memoryMiB: fc.constantFrom(64, 128),
  found: fc.boolean(),
  revision,
}).map(
  ({ node, state, incarnation, observedGeneration, memoryMiB, ...rest }) => {
    const plain = vmIn(state, node, incarnation);
    return {
      ...plain,
      ...rest,
      spec: { ...plain.spec, memoryMiB },
      status: { ...plain.status, observedGeneration },
    };
  },
);

const operation: fc.Arbitrary<Operation> = fc.record({
  id: few("o"),
  uid: few("v"),
  request: few("r"),
  index: fc.integer({ min: 0, max: 2 }),
  verb,
  state: operationState,
  step: fc.option(fc.constantFrom("start", "place")),
  begun: fc.subarray(["register", "place", "start"]),
  to: fc.option(few("n")),
  parent: fc.option(few("d")),
  endedAt: fc.option(fc.constant(AT)),
  revision,
}).map(({ verb, ...rest }) => ({ ...newOperation(verb), ...rest }));

const node: fc.Arbitrary<Node> = fc.record({ name: few("n"), revision }).map((
  rest,
) =>
  Node.parse({
    v: 1,
    state: "ready",
    since: AT,
    version: "1",
    capacity: { cpus: 1, memoryMiB: 100 },
    drivers: [],
    joinedAt: AT,
    ...rest,
  })
);

const request: fc.Arbitrary<RequestRecord> = fc.record({
  id: few("r"),
  count: fc.integer({ min: 0, max: 3 }),
}).map((rest) => ({
  v: 1,
  user: "ann",
  verb: "start",
  digest: "d",
  createdAt: AT,
  ...rest,
}));

const nodeOperation: fc.Arbitrary<NodeOperation> = fc.record({
  id: few("d"),
  node: few("n"),
  state: operationState,
  endedAt: fc.option(fc.constant(AT)),
  moved: fc.integer({ min: 0, max: 2 }),
  revision,
}).map((rest) => ({
  v: 1,
  verb: "drain",
  user: "ann",
  options: { parallel: 1, migrate: MigrateOptions.parse({}) },
  total: 1,
  failed: 0,
  problem: null,
  trail: [],
  createdAt: AT,
  ...rest,
}));

function change<K extends Kind>(
  kind: K,
  values: fc.Arbitrary<unknown>,
  keyOf: (value: never) => string,
): fc.Arbitrary<RecordChange> {
  return fc.tuple(values, fc.integer({ min: 0, max: 3 })).map((
    [value, choice],
  ) => ({
    kind,
    key: keyOf(value as never),
    value: choice === 0 ? null : value,
  } as RecordChange));
}

const changes = fc.array(
  fc.array(
    fc.oneof(
      change("vm", vm, ({ uid }: Vm) => uid),
      change("operation", operation, ({ id }: Operation) => id),
      change("node", node, ({ name }: Node) => name),
      change("request", request, ({ id }: RequestRecord) => id),
      change("node-operation", nodeOperation, ({ id }: NodeOperation) => id),
    ),
    { minLength: 1, maxLength: 3 },
  ),
  { minLength: 1, maxLength: 12 },
);

function textsOf(
  findings: Iterable<{ rule: string; record: string; text: string }>,
) {
  return [...findings].filter(({ rule }) => !rule.startsWith("change-"))
    .map(({ rule, record, text }) => `${record}: ${rule}: ${text}`).sort();
}

Deno.test("what a change may have broken holds all that it has", () => {
  fc.assert(
    fc.property(changes, (commits) => {
      const state = new StoredState();
      state.ceiling = 5;
      // What is known to be wrong, by record, from the changes alone.
      const known = new Map<string, string[]>();
      for (const commit of commits) {
        const { records, findings } = applyChanges(state, commit);
        for (const record of records) known.delete(record);
        const told = textsOf(findings);
        for (const text of told) {
          const [record = ""] = text.split(": ");
          known.set(record, [...known.get(record) ?? [], text]);
        }
        deepStrictEqual(
          [...known.values()].flat().sort(),
          textsOf(checkAll(state)),
        );
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("a record that is not there has nothing wrong with it", () => {
  deepStrictEqual(checkRecord("vm", "v1", new StoredState()), []);
});
