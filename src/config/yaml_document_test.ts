import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { readYamlText } from "./yaml_document.ts";

function mistake(text: string) {
  const { mistakes: [first] } = readYamlText(text);
  return first === undefined
    ? null
    : `${first.at}: ${first.text}${first.hint ? ` (${first.hint})` : ""}`;
}

Deno.test("readYamlText() names what is no YAML, and goes on to the next mistake", () => {
  match(
    mistake("a: 1\nlog:\n\tlevel: info\n") ?? "",
    /^3:1: Tabs are not allowed as indentation \(indent with spaces\)$/,
  );
  match(mistake("a: 1\na: 2\n") ?? "", /^2:1: Map keys must be unique$/);
  match(mistake("a: [1\n") ?? "", /^2:1: /);
  match(mistake("a: 1\n---\nb: 2\n") ?? "", /^\d:\d: .*multiple documents/);
  strictEqual(readYamlText("a: 1\na: 2\nb: 3\nb: 4\n").mistakes.length, 2);
});

Deno.test("readYamlText() is not taken in by aliases, depth and names that mean something", () => {
  const letters = Array.from({ length: 9 }, (_, i) => `k${i}`);
  const bomb = letters.map((name, i) =>
    i === 0
      ? `${name}: &${name} [x, x, x, x, x, x, x, x, x]`
      : `${name}: &${name} [${`*k${i - 1}, `.repeat(9)}]`
  ).join("\n");
  match(mistake(bomb) ?? "", /^2:\d+: aliases within aliases make it far/);
  strictEqual(
    mistake("a: *b\n"),
    '1:4: unresolved alias "*b": no anchor "&b" stands before it',
  );
  for (const deep of ["[".repeat(20_000), "- ".repeat(20_000)]) {
    match(mistake(deep) ?? "", /its lists and sections are nested too deeply/);
  }
  const { value } = readYamlText("__proto__: {polluted: 1}\n");
  deepStrictEqual(Object.keys(value as object), ["__proto__"]);
  strictEqual(({} as Record<string, unknown>)["polluted"], undefined);
});

Deno.test("placeOf() finds keys that are numbers, and items of lists", () => {
  const text = readYamlText("1:\n  - a\n  - b: 2\n");
  deepStrictEqual(text.placeOf(["1", 1, "b"]), { at: "3:5", depth: 3 });
  deepStrictEqual(text.placeOf(["1", 7, "b"]), { at: "1:1", depth: 1 });
  deepStrictEqual(text.placeOf(["none"]), { at: "1:1", depth: 0 });
});
