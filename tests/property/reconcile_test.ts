/**
 * What holds of every report about every VM.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import * as fc from "fast-check";
import {
  type Known,
  missing,
  reconcile,
  type Seen,
  silent,
} from "../../src/core/reconcile.ts";
import { occupies } from "../../src/core/vm_machine.ts";
import { VmStatus } from "../../src/schema/vm.ts";
import { AT, domainState, vmState } from "./arbitraries.ts";

/** So that two that match by chance in every part are among them. */
const MANY = { numRuns: 5000 };
const LATER = "2026-01-01T00:01:00.000Z";
const incarnation = fc.constantFrom(null, "01a", "01b");
const reason = fc.constantFrom("", "guest shut down", "killed by signal 9");
const generation = fc.integer({ min: 0, max: 3 });

const seen: fc.Arbitrary<Seen> = fc.record({
  state: domainState,
  reason,
  incarnation,
  generation,
});
const status: fc.Arbitrary<VmStatus> = fc.record({
  state: vmState,
  reason,
  incarnation,
  since: fc.constant(AT),
  observedGeneration: generation,
});
const known: fc.Arbitrary<Known> = fc.record({
  node: fc.constantFrom(null, "n1", "n2"),
  status,
});

Deno.test("reconcile() believes the VM's own node over the record", () => {
  fc.assert(fc.property(known, seen, (its, report) => {
    const action = reconcile(its, report, "n1", LATER);
    if (its.node === "n2") return deepStrictEqual(action, { type: "stranger" });
    const after = action.type === "update" ? action.status : its.status;
    deepStrictEqual([after.state, after.incarnation], [
      report.state,
      report.incarnation,
    ]);
    VmStatus.parse(after);
  }));
});

Deno.test("reconcile() takes what ails a VM from its newest report, and forgets no reason of an end", () => {
  fc.assert(
    fc.property(known, seen, (its, report) => {
      const action = reconcile(its, report, "n1", LATER);
      if (action.type === "stranger") return;
      const after = action.type === "update" ? action.status : its.status;
      const isSameEnd = !occupies(report.state) &&
        report.state === its.status.state &&
        report.incarnation === its.status.incarnation;
      deepStrictEqual(
        after.reason,
        report.reason || (isSameEnd ? its.status.reason : ""),
      );
      deepStrictEqual(after.observedGeneration, report.generation);
    }),
    MANY,
  );
});

Deno.test("reconcile() has nothing more to do once it was done", () => {
  fc.assert(fc.property(known, seen, (its, report) => {
    const action = reconcile(its, report, "n1", LATER);
    if (action.type !== "update") return;
    deepStrictEqual(
      reconcile({ ...its, status: action.status }, report, "n1", LATER),
      { type: "keep" },
    );
  }));
});

Deno.test("reconcile() moves the time of a state only when the state moves", () => {
  fc.assert(fc.property(known, seen, (its, report) => {
    const action = reconcile(its, report, "n1", LATER);
    if (action.type !== "update") return;
    deepStrictEqual(
      action.status.since,
      its.status.state === report.state ? AT : LATER,
    );
  }));
});

Deno.test("reconcile() adopts what it has no record of, unless it is not there either", () => {
  fc.assert(fc.property(seen, (report) => {
    deepStrictEqual(
      reconcile(null, report, "n1", LATER).type,
      report.state === "absent" ? "keep" : "adopt",
    );
  }));
});

Deno.test("missing() and silent() leave alone what was off, and say what was before of the rest", () => {
  fc.assert(fc.property(status, (its) => {
    for (
      const [after, state] of [[missing(its, LATER), "crashed"], [
        silent(its, "n1", LATER),
        "unknown",
      ]] as const
    ) {
      if (!occupies(its.state)) deepStrictEqual(after, null);
      if (after === null) continue;
      deepStrictEqual([after.state, after.since, after.incarnation], [
        state,
        LATER,
        its.incarnation,
      ]);
      ok(after.reason.includes(its.state), after.reason);
    }
  }));
});

Deno.test("missing() and silent() have nothing more to do once they were done", () => {
  fc.assert(fc.property(status, (its) => {
    const gone = missing(its, LATER);
    if (gone !== null) deepStrictEqual(missing(gone, LATER), null);
    const lost = silent(its, "n1", LATER);
    if (lost !== null) deepStrictEqual(silent(lost, "n1", LATER), null);
  }));
});

Deno.test("a node that comes back makes every unknown VM known again", () => {
  fc.assert(fc.property(status, seen, (its, report) => {
    const lost = silent(its, "n1", LATER);
    if (lost === null) return;
    deepStrictEqual(
      reconcile({ node: "n1", status: lost }, report, "n1", LATER).type,
      "update",
    );
    deepStrictEqual(missing(lost, LATER)?.state, "crashed");
  }));
});
