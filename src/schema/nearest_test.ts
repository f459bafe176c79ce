import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { didYouMean, editDistance, nearest } from "./nearest.ts";

Deno.test("editDistance() counts insertions, deletions, replacements and swaps", () => {
  const cases: [string, string, number][] = [
    ["", "", 0],
    ["start", "start", 0],
    ["start", "stat", 1],
    ["start", "starts", 1],
    ["start", "smart", 1],
    ["start", "strat", 1],
    ["", "abc", 3],
    ["kitten", "sitting", 3],
  ];
  for (const [a, b, expected] of cases) {
    strictEqual(editDistance(a, b), expected, `${a} ${b}`);
    strictEqual(editDistance(b, a), expected, `${b} ${a}`);
  }
});

Deno.test("editDistance() stops counting above its limit", () => {
  strictEqual(editDistance("abcdefgh", "stuvwxyz", 2) > 2, true);
  strictEqual(editDistance("a", "abcdefgh", 3), 4);
});

Deno.test("nearest() finds what was meant, and nothing for what is far", () => {
  const verbs = ["start", "list", "show", "shutdown", "poweroff", "pause"];
  deepStrictEqual(
    ["strat", "lst", "shutdwon", "Poweroff", "pwoeroff", "migrate", "zz"].map(
      (word) => nearest(word, verbs),
    ),
    ["start", "list", "shutdown", "poweroff", "poweroff", null, null],
  );
});

Deno.test("nearest() takes the beginning of a long word", () => {
  strictEqual(nearest("comp", ["login", "completion"]), "completion");
});

Deno.test("nearest() prefers the nearest, then the first", () => {
  strictEqual(nearest("web2", ["web10", "web1", "web3"]), "web1");
});

Deno.test("didYouMean() is empty when nothing is near", () => {
  strictEqual(didYouMean("strat", ["start"]), 'did you mean "start"?');
  strictEqual(didYouMean("quux", ["start"]), "");
});
