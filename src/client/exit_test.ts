import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ERROR_CODES, type ErrorCode } from "../schema/problem.ts";
import { type Ended, EXIT, EXIT_OF, exitOf } from "./exit.ts";

function failed(code: ErrorCode): Ended {
  return { state: "failed", problem: { code } };
}
const DONE: Ended = { state: "succeeded", problem: null };
const AT_WORK: Ended = { state: "running", problem: null };

Deno.test("EXIT_OF has an exit code for every error code", () => {
  deepStrictEqual(
    Object.keys(EXIT_OF).toSorted(),
    Object.keys(ERROR_CODES).toSorted(),
  );
});

Deno.test("exitOf() follows its order: still at work, done, agreed, 1", () => {
  const cases: [Ended[], number][] = [
    [[], EXIT.done],
    [[DONE, DONE], EXIT.done],
    [[DONE, failed("insufficient_resources")], EXIT.notPlaced],
    [[failed("refused"), failed("permission_denied")], EXIT.denied],
    [[failed("busy"), DONE, failed("wrong_state")], EXIT.conflict],
    [[failed("busy"), failed("refused")], EXIT.failed],
    [[failed("busy"), AT_WORK], EXIT.stillRunning],
    [[{ state: "pending", problem: null }], EXIT.stillRunning],
    [[{ state: "cancelled", problem: { code: "cancelled" } }], EXIT.failed],
    [[{ state: "failed", problem: null }], EXIT.failed],
  ];
  for (const [outcomes, expected] of cases) {
    strictEqual(exitOf(outcomes), expected, JSON.stringify(outcomes));
  }
});

Deno.test("exitOf() of a node out of reach is not the controller out of reach", () => {
  strictEqual(exitOf([failed("unavailable")]), EXIT.failed);
});
