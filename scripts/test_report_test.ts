import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import {
  judge,
  lastLine,
  parseExpectedSkips,
  parseJUnit,
  parseRanFiles,
  type TestCase,
  withoutPassed,
} from "./test_report.ts";

const XML = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="3" failures="1" errors="0" time="0.186">
    <testsuite name="./a_test.ts" tests="3" disabled="1" errors="0" failures="1">
        <testcase name="a &gt; &quot;b&quot;" classname="./a_test.ts" time="0.4">
        </testcase>
        <testcase name="b" classname="./a_test.ts" time="0.028" line="2" col="6">
            <failure message="Uncaught Error: x">Error: &lt;skipped/&gt;</failure>
        </testcase>
        <testcase name="c" classname="./a_test.ts" time="0.000" line="3" col="11">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`;

const passed: TestCase = { file: "a_test.ts", name: "a", outcome: "passed" };
const failed: TestCase = { file: "a_test.ts", name: "b", outcome: "failed" };
const skipped: TestCase = { file: "a_test.ts", name: "c", outcome: "skipped" };
const files = ["a_test.ts"];
const ran = new Set(files);

Deno.test("parseJUnit() reads names, files and outcomes", () => {
  deepStrictEqual(parseJUnit(XML), [
    { ...passed, name: 'a > "b"' },
    { ...failed, why: "Error: <skipped/>" },
    skipped,
  ]);
});

Deno.test("parseRanFiles() reads files that ran alone and beside others", () => {
  const output = [
    "\x1b[38;5;245mrunning 3 tests from ./tests/a_test.ts\x1b[0m",
    "running 0 tests from ./tests/b_test.ts",
    "./tests/c_test.ts => running ... ok (1ms)",
    "name => value ...",
  ].join("\n");
  deepStrictEqual([...parseRanFiles(output)], [
    "tests/a_test.ts",
    "tests/c_test.ts",
  ]);
});

Deno.test("judge() counts", () => {
  deepStrictEqual(
    judge([passed, failed], { files, ran, code: 1, expected: [] }),
    {
      passed: 1,
      failed: 1,
      skipped: 0,
      faults: [],
      failures: ["a_test.ts: b"],
    },
  );
});

Deno.test("judge() tells the beginning of why a test failed", () => {
  const why = Array.from({ length: 100 }, (_, at) => `line ${at}`).join("\n");
  const { failures } = judge([{ ...failed, why }], {
    files,
    ran,
    code: 1,
    expected: [],
  });
  const lines = failures[0]!.split("\n");
  deepStrictEqual(lines.slice(0, 2), ["a_test.ts: b", "  line 0"]);
  strictEqual(lines.length, 13);
});

Deno.test("judge() makes a skip that nobody expected a fault", () => {
  const { skipped: skips, faults } = judge([passed, skipped], {
    files,
    ran,
    code: 0,
    expected: [],
  });
  strictEqual(skips, 0);
  deepStrictEqual(faults, ["a_test.ts: skipped: c"]);
});

Deno.test("judge() lets an expected skip pass, also by its beginning", () => {
  for (const name of ["c", "*"]) {
    const expected = [{ file: "a_test.ts", name, reason: "no Xen here" }];
    deepStrictEqual(
      judge([passed, skipped], { files, ran, code: 0, expected }),
      { passed: 1, failed: 0, skipped: 1, faults: [], failures: [] },
    );
  }
});

Deno.test("judge() finds the file that fell over before its first test", () => {
  const verdict = judge([passed], {
    files: ["a_test.ts", "b_test.ts"],
    ran,
    code: 1,
    expected: [],
  });
  deepStrictEqual(verdict.faults, ["b_test.ts ran no test"]);
});

Deno.test("judge() fails a suite without files, a hang and a bare exit code", () => {
  const options = { files, ran, expected: [] };
  strictEqual(judge([], { ...options, files: [], code: 0 }).faults.length, 1);
  strictEqual(judge([passed], { ...options, code: null }).faults.length, 1);
  strictEqual(judge([passed], { ...options, code: 1 }).faults.length, 1);
});

Deno.test("parseExpectedSkips() wants a reason", () => {
  deepStrictEqual(parseExpectedSkips("# why\n\na.ts :: b* :: no Xen\n"), [
    { file: "a.ts", name: "b*", reason: "no Xen" },
  ]);
  throws(() => parseExpectedSkips("a.ts :: b"), /without reason/);
});

Deno.test("lastLine() mentions skips only when there are some", () => {
  strictEqual(
    lastLine({ passed: 3, failed: 0, skipped: 0 }),
    "3 passed, 0 failed",
  );
  strictEqual(
    lastLine({ passed: 3, failed: 1, skipped: 2 }),
    "3 passed, 1 failed, 2 skipped",
  );
});

Deno.test("withoutPassed() keeps what failed and what was said", () => {
  const output = [
    "./a_test.ts => adds ... ok (2ms)",
    "./a_test.ts => adds \x1b[0mmore ... \x1b[32mok\x1b[0m (2ms)",
    "./a_test.ts => takes away ... FAILED (2ms)",
    "error: it is not ok",
  ].join("\n");
  strictEqual(
    withoutPassed(output),
    "./a_test.ts => takes away ... FAILED (2ms)\nerror: it is not ok",
  );
});
