import { deepStrictEqual } from "node:assert/strict";
import { ProgressLine } from "./state_progress.ts";

/** What is told of something that takes `seconds`, in so many steps a second. */
function told(isTerminal: boolean, seconds: number, total: number | null) {
  let at = 0;
  const lines: string[] = [];
  const line = new ProgressLine({
    isTerminal,
    now: () => at,
    say: (text) => lines.push(text),
    sayOver: (text) => lines.push(`over: ${text}`),
  }, "restored");
  const steps = seconds * 10;
  for (let step = 1; step <= steps; step++) {
    at = step * 100;
    const done = step / steps * 2 ** 20;
    line.show({ records: step * 1000, done, total });
  }
  line.end();
  return lines;
}

Deno.test("ProgressLine says nothing of what is soon over", () => {
  deepStrictEqual(told(true, 0.9, 2 ** 20), []);
  deepStrictEqual(told(false, 0.9, 2 ** 20), []);
});

Deno.test("ProgressLine draws one line over and over on a terminal, with a bar and the expected end, and takes it away", () => {
  const lines = told(true, 4, 2 ** 20);
  deepStrictEqual([lines[0], lines[5], lines.at(-1)], [
    "over: [#####---------------] 25% of 1M, 3.0s left (10000 records restored so far)",
    "over: [##########----------] 50% of 1M, 2.0s left (20000 records restored so far)",
    "over: ",
  ]);
});

Deno.test("ProgressLine writes a line now and then where lines stay", () => {
  deepStrictEqual(told(false, 12, null), [
    "10000 records restored so far, 85K, 85K/s",
    "60000 records restored so far, 512K, 85K/s",
    "110000 records restored so far, 939K, 85K/s",
  ]);
});
