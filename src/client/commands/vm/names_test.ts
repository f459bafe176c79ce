/**
 * Words that name VMs: what can be no name, and what is then suggested.
 *
 * @module
 */
import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { UsageError } from "../../usage.ts";
import { checkName, readRequestWords } from "./names.ts";

Deno.test("a name, a pattern, and a name in DNS are names", () => {
  for (
    const word of [
      "web",
      "web.lab.ann",
      "web-*",
      "[a-c]?.lab",
      "web.lab.ann.vm.example.org",
      "web.lab.ann.vm.example.org.",
    ]
  ) strictEqual(checkName(word), word);
});

Deno.test("what is no name gets the nearest one, or what names look like", () => {
  const hintOf = (word: string) => {
    let hint: string | undefined;
    throws(() => checkName(word), (error) => {
      hint = error instanceof UsageError ? error.hint : "no usage error";
      return true;
    });
    return hint;
  };
  for (
    const [word, meant] of [
      ["we_b", "we-b"],
      ["WEB", "web"],
      ["w\u00e9b", "web"],
      ["web 1", "web-1"],
      ["-web", "web"],
      ["web/lab", "web-lab"],
      ["web..lab", "web.lab"],
      ["web_1.Lab", "web-1.lab"],
    ] as const
  ) strictEqual(hintOf(word), `did you mean "${meant}"?`, word);
  for (const word of ["a[b", "\u{1f980}", "___", "\u043c\u043e\u0441\u0442"]) {
    strictEqual(
      hintOf(word),
      "write web1, web1.lab or web1.lab.ann; a pattern has *, ? and [1-3]",
      word,
    );
  }
});

Deno.test("arguments behind names are no names", () => {
  deepStrictEqual(readRequestWords(["web", "role=Front_End", "x="]), {
    names: ["web"],
    args: { role: "Front_End", x: "" },
  });
});
