/**
 * What a drain does next, cell by cell.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { AT, newOperation, vmIn } from "../../tests/property/arbitraries.ts";
import { toProblem, UsherError } from "../error/mod.ts";
import { MigrateOptions } from "../schema/migrate.ts";
import type { NodeOperation } from "../schema/node_operation.ts";
import type { Operation, OperationState } from "../schema/operation.ts";
import type { Vm } from "../schema/vm.ts";
import { cancelledDrain, type DrainPicture, nextOfDrain } from "./drain.ts";

const DRAIN: NodeOperation = {
  v: 1,
  id: "d",
  verb: "drain",
  node: "n1",
  user: "ann",
  state: "running",
  options: { parallel: 2, migrate: MigrateOptions.parse({}) },
  total: 0,
  moved: 0,
  failed: 0,
  problem: null,
  trail: [],
  createdAt: AT,
  endedAt: null,
  revision: 1,
};

function vm(uid: string, more: Partial<Vm> = {}): Vm {
  return {
    ...vmIn("running", "n1", null),
    uid,
    name: `${uid}.lab.ann`,
    ...more,
  };
}

function child(
  uid: string,
  state: OperationState,
  error?: UsherError,
): Operation {
  const problem = error === undefined ? null : toProblem(error);
  return { ...newOperation("migrate"), uid, parent: "d", state, problem };
}

function next(picture: Partial<DrainPicture>) {
  const { operation, candidates, free } = nextOfDrain({
    operation: DRAIN,
    nodeState: "ready",
    here: [],
    children: [],
    at: AT,
    ...picture,
  });
  const { state, total, moved, failed } = operation;
  return {
    operation,
    candidates: candidates.map(({ uid }) => uid),
    free,
    seen: [state, total, moved, failed],
  };
}

const REFUSED = new UsherError("driver_failed", "The disk is broken");

Deno.test("nextOfDrain() tries what was not tried, as far as there is leave", () => {
  const { candidates, free, seen } = next({
    here: [vm("a"), vm("b"), vm("c"), vm("f", { found: true })],
    children: [child("a", "running"), child("x", "succeeded")],
  });
  deepStrictEqual(candidates, ["b", "c"]);
  deepStrictEqual([free, seen], [1, ["running", 5, 1, 0]]);
});

Deno.test("nextOfDrain() waits for the last ones, then has succeeded when nothing is left", () => {
  const waiting = next({ here: [vm("a")], children: [child("a", "running")] });
  deepStrictEqual([waiting.candidates, waiting.seen[0]], [[], "running"]);
  const done = next({ children: [child("a", "succeeded")] });
  deepStrictEqual(done.seen, ["succeeded", 1, 1, 0]);
  strictEqual(done.operation.endedAt, AT);
});

Deno.test("nextOfDrain() names what is left, with why", () => {
  const { operation, seen } = next({
    here: [vm("a"), vm("f", { found: true })],
    children: [child("a", "failed", REFUSED), child("b", "succeeded")],
  });
  deepStrictEqual(seen, ["failed", 3, 1, 1]);
  match(operation.problem?.detail ?? "", /2 of 3 VMs are still on it/);
  match(operation.problem?.hint ?? "", /a\.lab\.ann: The disk is broken/);
  match(operation.problem?.hint ?? "", /f\.lab\.ann: usher did not make it/);
});

Deno.test("nextOfDrain() tries again what found no node within reach, and not for ever", () => {
  const nobody = new UsherError("insufficient_resources", "No node", {
    refusedBy: [{ filter: "reach", nodes: 2, nearest: [] }],
  });
  const failed = child("a", "failed", nobody);
  const here = [vm("a")];
  deepStrictEqual(next({ here, children: [failed] }).candidates, ["a"]);
  const last = next({ here, children: [failed, failed, failed] });
  deepStrictEqual([last.candidates, last.seen[0]], [[], "failed"]);
});

Deno.test("nextOfDrain() of a node that is lost waits for what runs, then says what to do", () => {
  const here = [vm("a"), vm("b")];
  const running = next({
    nodeState: "lost",
    here,
    children: [child("a", "running")],
  });
  deepStrictEqual([running.candidates, running.seen[0]], [[], "running"]);
  const { operation } = next({ nodeState: "lost", here });
  match(operation.problem?.hint ?? "", /declare-dead n1/);
});

Deno.test("nextOfDrain() of a cancelled drain ends once nothing runs", () => {
  const operation = cancelledDrain(DRAIN, AT, "asked by ann");
  strictEqual(operation?.state, "cancelling");
  const here = [vm("a"), vm("b")];
  const waiting = next({
    operation: operation ?? DRAIN,
    here,
    children: [child("a", "running")],
  });
  deepStrictEqual([waiting.candidates, waiting.seen[0]], [[], "cancelling"]);
  const over = next({ operation: operation ?? DRAIN, here });
  deepStrictEqual([over.seen[0], over.operation.problem?.code], [
    "cancelled",
    "cancelled",
  ]);
  strictEqual(cancelledDrain(over.operation, AT, "again"), null);
});
