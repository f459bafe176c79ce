import {
  deepStrictEqual,
  match,
  strictEqual,
  throws,
} from "node:assert/strict";
import type { UsherError } from "../error/mod.ts";
import {
  compileGlob,
  compileName,
  matchesName,
  parseFilter,
} from "./selector.ts";

Deno.test("compileGlob() knows *, ?, sets, ranges and what is not in them", () => {
  const cases: [glob: string, text: string, expected: boolean][] = [
    ["web", "web", true],
    ["web", "web1", false],
    ["web*", "web", true],
    ["*b*", "abc", true],
    ["w?b", "web", true],
    ["w?b", "wb", false],
    ["web-[1-3]", "web-2", true],
    ["web-[1-3]", "web-4", false],
    ["web-[!1-3]", "web-4", true],
    ["web-[ab]", "web-b", true],
    ["a.b", "axb", false],
    ["*", "", true],
    ["", "", true],
    ["*a*b", "xaxbxb", true],
  ];
  for (const [glob, text, expected] of cases) {
    strictEqual(compileGlob(glob).test(text), expected, `${glob} on ${text}`);
  }
});

Deno.test("compileGlob() refuses a set without end or content", () => {
  for (const glob of ["web[", "web[]", "web[!]", "web[a"]) {
    throws(() => compileGlob(glob), /needs characters and a \]/, glob);
  }
});

Deno.test("compileGlob() is not stalled by many stars", () => {
  // Backtracking over every star would take longer than the age of the site.
  const glob = compileGlob(`${"*a".repeat(30)}b`);
  strictEqual(glob.test("a".repeat(200)), false);
});

Deno.test("matchesName() compares as many labels as the pattern has", () => {
  const name = "web-1.lab.ann";
  deepStrictEqual(
    ["web-*", "*.lab", "*.lab.ann", "lab", "*.*.bob"].map((glob) =>
      matchesName(name, glob)
    ),
    [true, true, true, false, false],
  );
});

Deno.test("parseFilter() names the keys that it knows", () => {
  throws(
    () => parseFilter("stat=x", ["state", "node"]),
    (error: UsherError) => {
      strictEqual(error.message, 'Cannot read the condition "stat=x"');
      match(error.details.hint ?? "", /^did you mean "state"\? write key=/);
      return true;
    },
  );
  const [first] = parseFilter("state!=run*", ["state"]);
  deepStrictEqual(
    [first?.key, first?.negated, first?.pattern.test("running")],
    [
      "state",
      true,
      true,
    ],
  );
});

Deno.test("compileName() means what matchesName() does, literal or not", () => {
  const names = ["web.lab.ann", "web1.lab.ann", "web.default.bob"];
  const globs = ["web", "web.lab", "web.lab.ann", "w*", "*.lab", "*.*.b?b"];
  for (const glob of globs) {
    const test = compileName(glob);
    for (const name of names) strictEqual(test(name), matchesName(name, glob));
  }
  deepStrictEqual(names.map(compileName("web")), [true, false, true]);
  deepStrictEqual(names.map(compileName("web.lab")), [true, false, false]);
  deepStrictEqual(names.map(compileName("*.lab")), [true, true, false]);
  throws(() => compileName("web["), /needs characters and a \]/);
});
