/**
 * What reports, absences and silence mean, cell by cell.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { DomainState, VmState, type VmStatus } from "../schema/vm.ts";
import { missing, reconcile, type Seen, silent } from "./reconcile.ts";

const THEN = "2026-01-01T00:00:00.000Z";
const NOW = "2026-01-02T00:00:00.000Z";

function status(state: VmState, more: Partial<VmStatus> = {}): VmStatus {
  return {
    state,
    reason: "",
    incarnation: "a",
    since: THEN,
    observedGeneration: 1,
    ...more,
  };
}

function seen(state: DomainState, more: Partial<Seen> = {}): Seen {
  return { state, reason: "", incarnation: "a", generation: 1, ...more };
}

Deno.test("reconcile() believes every report of the VM's node over every record", () => {
  for (const was of VmState.options) {
    for (const is of DomainState.options) {
      const action = reconcile(
        { node: "n1", status: status(was) },
        seen(is),
        "n1",
        NOW,
      );
      if (was === is) deepStrictEqual(action, { type: "keep" });
      else {
        deepStrictEqual(action, {
          type: "update",
          status: status(is, { since: NOW }),
        });
      }
    }
  }
});

Deno.test("reconcile() makes known what has no record, unless nothing is there", () => {
  for (const is of DomainState.options) {
    strictEqual(
      reconcile(null, seen(is), "n1", NOW).type,
      is === "absent" ? "keep" : "adopt",
    );
  }
});

Deno.test("reconcile() believes no other node, and any for a VM that has none", () => {
  for (const is of DomainState.options) {
    const known = { status: status("unknown") };
    strictEqual(
      reconcile({ node: "n1", ...known }, seen(is), "n2", NOW).type,
      "stranger",
    );
    strictEqual(
      reconcile({ node: null, ...known }, seen(is), "n2", NOW).type,
      "update",
    );
  }
});

Deno.test("reconcile() keeps since while the state stays, and takes a new run or reason", () => {
  const known = {
    node: "n1",
    status: status("running", { reason: "booted" }),
  };
  const after = (more: Partial<Seen>) =>
    reconcile(known, seen("running", more), "n1", NOW);
  deepStrictEqual(after({ reason: "" }), {
    type: "update",
    status: status("running", { reason: "" }),
  });
  deepStrictEqual(after({ reason: "booted" }), { type: "keep" });
  deepStrictEqual(after({ reason: "other" }), {
    type: "update",
    status: status("running", { reason: "other" }),
  });
  deepStrictEqual(after({ incarnation: "b", generation: 2 }), {
    type: "update",
    status: status("running", { incarnation: "b", observedGeneration: 2 }),
  });
});

Deno.test("reconcile() keeps why a run ended when the node no longer knows", () => {
  for (const state of ["stopped", "crashed"] as const) {
    const known = { node: "n1", status: status(state, { reason: "panicked" }) };
    const after = (reason: string) =>
      reconcile(known, seen(state, { reason }), "n1", NOW);
    deepStrictEqual(after(""), { type: "keep" });
    deepStrictEqual(after("other"), {
      type: "update",
      status: status(state, { reason: "other" }),
    });
  }
});

Deno.test("missing() and silent() say in every state what becomes of a VM", () => {
  const cells: Record<VmState, [string | null, string | null]> = {
    absent: [null, null],
    starting: ["crashed", "unknown"],
    running: ["crashed", "unknown"],
    paused: ["crashed", "unknown"],
    stopping: ["crashed", "unknown"],
    stopped: [null, null],
    crashed: [null, null],
    migrating: ["crashed", "unknown"],
    unknown: ["crashed", null],
  };
  for (const state of VmState.options) {
    const gone = missing(status(state), NOW);
    const quiet = silent(status(state), "n1", NOW);
    deepStrictEqual(
      [gone?.state ?? null, quiet?.state ?? null],
      cells[state],
      state,
    );
    for (const after of [gone, quiet]) {
      if (after === null) continue;
      strictEqual(after.reason.includes(`(it was ${state})`), true);
      strictEqual(after.since, NOW);
    }
  }
});
