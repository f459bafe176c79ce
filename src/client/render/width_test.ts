import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { cut, pad, widthOf } from "./width.ts";

Deno.test("widthOf() counts the columns of a terminal, not letters", () => {
  const widths: readonly (readonly [string, number])[] = [
    ["web1", 4],
    ["grün → n2…", 10],
    ["Ελλάδα", 6],
    ["сервер", 6],
    ["שרת", 3],
    ["服务器", 6],
    ["サーバー", 8],
    ["ｻｰﾊﾞ", 4],
    ["한글", 4],
    // A letter and an accent of its own; a syllable of three parts.
    ["e\u0301", 1],
    ["\u1112\u1161\u11ab", 2],
    ["🚀", 2],
    ["👩‍💻", 2],
    ["🇬🇷", 2],
    ["\u200b", 0],
  ];
  deepStrictEqual(widths.map(([text]) => [text, widthOf(text)]), widths);
});

Deno.test("cut() takes nothing apart, and pad() fills what is left", () => {
  strictEqual(cut("服务器", 6), "服务器");
  // Two columns do not fit into one: the line stays short rather than long.
  strictEqual(cut("服务器", 4), "服…");
  strictEqual(cut("e\u0301e\u0301e\u0301", 2), "e\u0301…");
  strictEqual(cut("👩‍💻👩‍💻", 3), "👩‍💻…");
  strictEqual(cut("abc", 0), "");
  strictEqual(cut("abc", 1), "…");
  strictEqual(pad("服务", 6), "服务  ");
  strictEqual(pad("服务", 6, "right"), "  服务");
});

Deno.test("whatever the text, cut() fits and pad() fills", () => {
  const text = fc.string({ unit: "grapheme" });
  fc.assert(
    fc.property(text, fc.nat(20), (value, width) => {
      const shown = cut(value, width);
      return widthOf(shown) <= width && widthOf(pad(shown, width)) === width;
    }),
    { numRuns: 300 },
  );
});
