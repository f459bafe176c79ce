/**
 * Decisions about copies, cell by cell, and about other targets.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { newOperation, vmIn } from "../../tests/property/arbitraries.ts";
import { type ErrorCode, UsherError } from "../error/mod.ts";
import type { Operation } from "../schema/operation.ts";
import { DomainState, VmState } from "../schema/vm.ts";
import {
  actionFor,
  isSwitched,
  MAX_TARGETS,
  retargeted,
  type Role,
  roleOf,
  targeted,
  transferOf,
  triesAnother,
} from "./migration.ts";

const AT = "2026-01-01T00:00:00.000Z";
const HERE = "n1";
const OTHER = "n2";
const ROLES: readonly (Role | null)[] = ["source", "target", "candidate", null];

function moving(more: Partial<Operation> = {}): Operation {
  return {
    ...newOperation("migrate"),
    state: "running",
    step: "receive",
    begun: ["place", "offer", "receive"],
    from: HERE,
    to: OTHER,
    ...more,
  };
}

Deno.test("actionFor() never ends what may run, whoever's it is", () => {
  const up: DomainState[] = ["starting", "running", "paused", "stopping"];
  for (const state of up) {
    for (const role of ROLES) {
      for (const node of [HERE, OTHER]) {
        const vm = vmIn("running", node, null);
        strictEqual(actionFor({ node: HERE, state }, vm, role), "keep");
      }
      strictEqual(actionFor({ node: HERE, state }, undefined, role), "keep");
    }
  }
});

Deno.test("actionFor() lets a copy on the VM's own node go on, by what that node was", () => {
  const actions = (state: DomainState | null) =>
    ROLES.map((role) =>
      actionFor({ node: HERE, state }, vmIn("migrating", HERE, null), role)
    );
  deepStrictEqual(actions("migrating"), [
    "abort",
    "activate",
    "release",
    "keep",
  ]);
  deepStrictEqual(actions(null), ["abort", "keep", "release", "keep"]);
  deepStrictEqual(actions("stopped"), ["keep", "keep", "keep", "keep"]);
});

Deno.test("actionFor() clears a copy of another node's VM away once that node has told of it", () => {
  const actions = (role: Role | null) =>
    Object.fromEntries(VmState.options.map((its) => [
      its,
      actionFor(
        { node: HERE, state: "migrating" },
        vmIn(its, OTHER, null),
        role,
      ),
    ]));
  const known = {
    starting: "release",
    running: "release",
    paused: "release",
    stopping: "release",
    stopped: "release",
    crashed: "release",
    migrating: "later",
    unknown: "later",
  };
  deepStrictEqual(actions("source"), { ...known, absent: "reclaim" });
  deepStrictEqual(actions("target"), { ...known, absent: "reclaim" });
  deepStrictEqual(actions("candidate"), { ...known, absent: "release" });
  deepStrictEqual(actions(null), { ...known, absent: "later" });
  for (const role of ROLES) {
    const gone = actionFor({ node: HERE, state: "migrating" }, undefined, role);
    strictEqual(gone, "release");
  }
});

Deno.test("roleOf() is that of the node in the migration, as far as it came", () => {
  const tried = moving({ tried: ["n3"] });
  deepStrictEqual(
    [HERE, OTHER, "n3", "n4"].map((node) => roleOf(node, tried)),
    ["source", "candidate", "candidate", null],
  );
  strictEqual(roleOf(OTHER, moving({ begun: ["send", "switch"] })), "target");
});

Deno.test("triesAnother() where placement chose, for what may be the target's fault, a few times", () => {
  const failed = new UsherError("driver_failed", "No");
  const cases: [Partial<Operation>, ErrorCode, boolean][] = [
    [{}, "driver_failed", true],
    [{ step: "send" }, "unavailable", true],
    [{ step: "send" }, "timed_out", true],
    [{ step: "offer" }, "unsupported", false],
    [{ step: "switch" }, "driver_failed", false],
    [{}, "internal", false],
    [{ to: null }, "driver_failed", false],
    [{ options: { queue: true, to: OTHER } }, "driver_failed", false],
    [{ tried: ["n3"] }, "driver_failed", true],
    [{ tried: ["n3", "n4"] }, "driver_failed", false],
  ];
  for (const [more, code, expected] of cases) {
    strictEqual(
      triesAnother(moving(more), new UsherError(code, "No")),
      expected,
      JSON.stringify([more, code]),
    );
  }
  strictEqual(triesAnother(moving(), new TypeError("a bug")), false);
  let operation = moving();
  let targets = 1;
  while (triesAnother(operation, failed)) {
    operation = { ...retargeted(operation, AT, "No"), step: "send", to: "n9" };
    targets++;
  }
  strictEqual(targets, MAX_TARGETS);
});

Deno.test("each target is told of a transfer of its own", () => {
  const first = moving();
  const second = { ...retargeted(first, AT, "No"), to: "n3" };
  deepStrictEqual(
    [transferOf(first, OTHER).id, transferOf(second, "n3").id],
    [first.id, `${first.id}-2`],
  );
  deepStrictEqual([second.tried, second.step], [[OTHER], "place"]);
});

Deno.test("targeted() notes whence, whither, and whether the domain is up", () => {
  const live = (state: VmState) =>
    targeted(newOperation("migrate"), vmIn(state, HERE, null), OTHER);
  deepStrictEqual([live("running").from, live("running").to], [HERE, OTHER]);
  deepStrictEqual(
    (["running", "paused", "stopped", "crashed", "absent"] as const).map((
      state,
    ) => live(state).live),
    [true, true, false, false, false],
  );
  strictEqual(isSwitched(moving(), vmIn("running", HERE, null)), false);
  strictEqual(isSwitched(moving(), vmIn("running", OTHER, null)), true);
});
