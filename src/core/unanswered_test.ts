/**
 * Which ends of operations leave in doubt whether a VM runs.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Operation } from "../schema/operation.ts";
import { Vm } from "../schema/vm.ts";
import { lastThatWorked, mayRunUnseen } from "./unanswered.ts";

const UID = "01hzzzzzzzzzzzzzzzzzzzzzz5";
const SINCE = "2026-01-01T00:00:00.000Z";
const LATER = "2026-01-01T00:01:00.000Z";

const VM = Vm.parse({
  v: 1,
  uid: UID,
  name: "web.default.ann",
  generation: 1,
  spec: { driver: "sim" },
  status: {
    state: "crashed",
    reason: "",
    incarnation: null,
    since: SINCE,
    observedGeneration: 1,
  },
  node: "n1",
  args: {},
  createdAt: SINCE,
  revision: 0,
});

function ended(code: string, more: Partial<Operation> = {}): Operation {
  return Operation.parse({
    v: 1,
    id: "01hzzzzzzzzzzzzzzzzzzzzzz6",
    request: "r",
    index: 0,
    verb: "start",
    uid: UID,
    vm: VM.name,
    user: "ann",
    state: "failed",
    step: "start",
    begun: ["place", "start"],
    node: "n1",
    parent: null,
    waitsFor: null,
    options: { queue: true },
    args: {},
    changed: true,
    problem: {
      type: "about:blank",
      title: "",
      status: 500,
      code,
      retry: "no",
      outcome: "none",
      detail: "",
    },
    trail: [],
    createdAt: SINCE,
    startedAt: SINCE,
    endedAt: LATER,
    revision: 1,
    ...more,
  });
}

Deno.test("mayRunUnseen() is so of starts whose end says nothing of the node, until that tells", () => {
  for (const code of ["timed_out", "interrupted", "unavailable", "cancelled"]) {
    strictEqual(mayRunUnseen(VM, ended(code)), true, code);
  }
  for (const code of ["driver_failed", "insufficient_resources"]) {
    strictEqual(mayRunUnseen(VM, ended(code)), false, code);
  }
  const unbegun = ended("unavailable", { begun: ["place"] });
  strictEqual(mayRunUnseen(VM, unbegun), false);
  const open = ended("timed_out", { state: "running", endedAt: null });
  strictEqual(mayRunUnseen(VM, open), false);
  const late = { ...VM.status, since: "2026-01-01T00:02:00.000Z" };
  strictEqual(mayRunUnseen({ ...VM, status: late }, ended("timed_out")), false);
  const runs = { ...VM.status, state: "running" as const };
  strictEqual(mayRunUnseen({ ...VM, status: runs }, ended("timed_out")), false);
});

Deno.test("lastThatWorked() answers the newest that asked a node for anything", () => {
  const first = ended("timed_out");
  const later = ended("driver_failed", { revision: 2 });
  const alone = ended("cancelled", {
    revision: 3,
    step: null,
    begun: ["place"],
  });
  deepStrictEqual(
    [...lastThatWorked([later, first, alone])],
    [[UID, later]],
  );
});
