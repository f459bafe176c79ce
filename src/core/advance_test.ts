/**
 * What an operation does next: the rules that properties do not spell out.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { AT, newOperation, vmIn } from "../../tests/property/arbitraries.ts";
import { UsherError } from "../error/mod.ts";
import type { Operation, Verb } from "../schema/operation.ts";
import type { VmState } from "../schema/vm.ts";
import { advance, cancelled, ended } from "./advance.ts";

const SURE = { at: AT, uncertain: false };
const UNSURE = { at: AT, uncertain: true };

function running(verb: Verb, step: string | null): Operation {
  return {
    ...newOperation(verb),
    state: "running",
    step,
    begun: step === null ? [] : [step],
    startedAt: AT,
  };
}

Deno.test("advance() begins with the first step that does not hold", () => {
  const cases: [Verb, VmState, string | null, string | null][] = [
    ["start", "absent", null, "place"],
    ["start", "absent", "n1", "start"],
    ["start", "stopped", "n1", "start"],
    ["start", "crashed", "n1", "start"],
    ["cycle", "running", "n1", "poweroff"],
    ["cycle", "crashed", "n1", "start"],
    ["reboot", "running", "n1", "shutdown"],
    ["destroy", "running", "n1", "poweroff"],
    ["destroy", "stopped", "n1", "forget"],
    ["destroy", "absent", null, "unregister"],
    ["unregister", "stopped", "n1", "forget"],
    ["register", "absent", null, null],
    ["start", "running", "n1", null],
  ];
  for (const [verb, state, node, expected] of cases) {
    const { operation, step } = advance(
      newOperation(verb),
      vmIn(state, node, null),
      SURE,
    );
    strictEqual(step, expected, `${verb} of ${state}`);
    deepStrictEqual(
      [operation.state, operation.step, operation.changed],
      expected === null
        ? ["succeeded", null, false]
        : ["running", expected, true],
    );
    deepStrictEqual(operation.begun, expected === null ? [] : [expected]);
  }
});

Deno.test("advance() goes on after a crash from the step that was journaled, never back", () => {
  const on = advance(
    running("cycle", "start"),
    vmIn("stopped", "n1", "earlier"),
    SURE,
  );
  deepStrictEqual([on.step, on.operation.begun], ["start", ["start"]]);
  // The domain runs by this operation: what was asked is done.
  const { id } = newOperation("cycle");
  const done = advance(
    running("cycle", "start"),
    vmIn("running", "n1", id),
    SURE,
  );
  deepStrictEqual([done.step, done.operation.state], [null, "succeeded"]);
});

Deno.test("advance() that is uncertain believes no goal and skips no step but placing", () => {
  const start = (state: VmState) =>
    advance(newOperation("start"), vmIn(state, "n1", null), UNSURE).step;
  deepStrictEqual([start("running"), start("absent")], ["start", "start"]);
  strictEqual(
    advance(newOperation("poweroff"), vmIn("stopped", "n1", null), UNSURE).step,
    "poweroff",
  );
  strictEqual(
    advance(newOperation("register"), vmIn("running", "n1", null), UNSURE)
      .operation.state,
    "succeeded",
  );
});

Deno.test("advance() that is uncertain asks no node about a VM that has none", () => {
  const { operation, step } = advance(
    newOperation("poweroff"),
    vmIn("absent", null, null),
    UNSURE,
  );
  deepStrictEqual([step, operation.state], [null, "succeeded"]);
});

Deno.test("advance() names state, subject and way out of what cannot be", () => {
  const no = advance(
    newOperation("pause"),
    vmIn("stopped", "n1", null),
    SURE,
  ).operation;
  deepStrictEqual([no.state, no.problem?.code, no.problem?.subject], [
    "failed",
    "wrong_state",
    "web.lab.ann",
  ]);
  match(
    no.problem?.detail ?? "",
    /^Cannot pause VM "web\.lab\.ann": it is stopped$/,
  );
  const away = advance(
    newOperation("pause"),
    vmIn("unknown", "n7", null),
    SURE,
  ).operation;
  strictEqual(away.problem?.code, "unavailable");
  match(away.problem?.detail ?? "", /its node n7 is out of reach/);
});

Deno.test("ended() keeps of a problem no more than can be kept", () => {
  const { operation } = ended(
    running("start", "start"),
    AT,
    new UsherError("driver_failed", "x".repeat(1e6), {
      hint: "y".repeat(1e6),
      refusals: Object.fromEntries(
        Array.from({ length: 1000 }, (_, i) => [`n${i}`, "z".repeat(1000)]),
      ),
    }),
  );
  deepStrictEqual(
    [operation.problem?.detail.length, operation.problem?.hint?.length],
    [2000, 2000],
  );
  ok(JSON.stringify(operation.problem).length < 16_000);
  const short = ended(
    running("start", "start"),
    AT,
    new UsherError("busy", "x"),
  );
  deepStrictEqual(
    [
      short.operation.problem?.detail,
      "hint" in (short.operation.problem ?? {}),
    ],
    ["x", false],
  );
});

Deno.test("cancelled() ends what waits and what runs, and says by whom", () => {
  for (const operation of [newOperation("start"), running("start", "start")]) {
    const { state, problem, trail, endedAt } = cancelled(
      operation,
      AT,
      "asked",
    );
    deepStrictEqual([state, problem?.code, endedAt], [
      "cancelled",
      "cancelled",
      AT,
    ]);
    strictEqual(trail.at(-1)?.text, "cancelled: asked");
  }
});
