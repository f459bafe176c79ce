import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { boundedLine, plainText, refusedBy } from "./failure.ts";

Deno.test("plainText() takes out what would move a cursor or turn the text around", () => {
  strictEqual(plainText("a\u001b[2Jb\r\nc\u202ed\u0085e"), "a [2Jb c d e");
  strictEqual(plainText("x".repeat(2000)).length, 1001);
  strictEqual(plainText("aaaa", 3), "aaa…");
});

Deno.test("refusedBy() says something also when the plugin gave no reason", () => {
  strictEqual(refusedBy("a", " ", null).message, 'Plugin "a" refuses: no');
});

Deno.test("boundedLine() drops fields that are too many", () => {
  const line = {
    plugin: "a",
    level: "info",
    event: null,
    text: "x\ny",
    fields: { long: "x".repeat(9000) },
  } as const;
  deepStrictEqual(boundedLine(line), {
    ...line,
    text: "x y",
    fields: { cut: true },
  });
});
