/**
 * Errors, and their way over the wire.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { ERROR_CODES, ErrorCode, Problem } from "../schema/problem.ts";
import {
  fromProblem,
  isAbort,
  isRetryable,
  isUsherError,
  mayHaveHappened,
  messageOf,
  toProblem,
  UsherError,
} from "./mod.ts";

Deno.test("an error of any code survives the wire with all it says", () => {
  for (const code of ErrorCode.options) {
    const details = {
      hint: "try this",
      field: "vms[0].name",
      holder: "01h",
      subject: "web.lab.ann",
      refusals: { n1: "full" },
      refusedBy: [{
        filter: "memory" as const,
        nodes: 1,
        nearest: [{
          node: "n1",
          filters: ["memory" as const],
          why: "full",
          change: "ask for less",
        }],
      }],
    };
    const error = new UsherError(code, `Cannot do it: ${code}`, details);

    const back = fromProblem(
      Problem.parse(JSON.parse(JSON.stringify(toProblem(error)))),
    );

    ok(isUsherError(back, code));
    deepStrictEqual([back.message, back.details], [error.message, details]);
    deepStrictEqual(toProblem(back), toProblem(error));
  }
});

Deno.test("a problem carries what its code means", () => {
  for (const code of ErrorCode.options) {
    const { status, retry, outcome, title } = toProblem(
      new UsherError(code, "x"),
    );
    deepStrictEqual({ status, retry, outcome, title }, ERROR_CODES[code]);
  }
});

Deno.test("a problem has no member for what an error does not say", () => {
  deepStrictEqual(Object.keys(toProblem(new UsherError("busy", "x"))), [
    "type",
    "title",
    "status",
    "detail",
    "code",
    "retry",
    "outcome",
  ]);
});

Deno.test("toProblem() makes everything without a code internal, and tells its message", () => {
  for (
    const [thrown, detail] of [[new TypeError("oops"), "oops"], [
      "text",
      "text",
    ], [undefined, "undefined"]] as const
  ) {
    const problem = toProblem(thrown);
    deepStrictEqual([problem.code, problem.detail, problem.outcome], [
      "internal",
      detail,
      "unknown",
    ]);
  }
});

Deno.test("Problem takes members that it does not know, and no code that it does not know", () => {
  const problem = toProblem(new UsherError("busy", "x"));

  deepStrictEqual(Problem.parse({ ...problem, colour: "blue" }), problem);
  ok(!Problem.safeParse({ ...problem, code: "bored" }).success);
});

Deno.test("isRetryable() and mayHaveHappened() answer from the code", () => {
  deepStrictEqual(ErrorCode.options.filter(isRetryable), [
    "busy",
    "insufficient_resources",
    "unavailable",
    "too_many_requests",
    "quota_exceeded",
  ]);
  deepStrictEqual(ErrorCode.options.filter(mayHaveHappened), [
    "interrupted",
    "internal",
    "timed_out",
  ]);
});

Deno.test("nothing that may have happened may blindly be tried again", () => {
  deepStrictEqual(
    ErrorCode.options.filter((code) =>
      isRetryable(code) && mayHaveHappened(code)
    ),
    [],
  );
});

Deno.test("isAbort() tells a wait that was given up from a failure", () => {
  ok(isAbort(AbortSignal.abort().reason));
  ok(isAbort(new DOMException("late", "TimeoutError")));
  ok(!isAbort(new UsherError("timed_out", "late")));
  ok(!isAbort(new DOMException("x", "DataError")));
  ok(!isAbort("AbortError"));
});

Deno.test("an error keeps its cause, and messageOf() reads anything", () => {
  const cause = new Error("deep");
  deepStrictEqual(new UsherError("internal", "x", { cause }).cause, cause);
  ok(!("cause" in new UsherError("internal", "x")));
  deepStrictEqual([messageOf(cause), messageOf(7), messageOf(null)], [
    "deep",
    "7",
    "null",
  ]);
});
