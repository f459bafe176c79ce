import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { afterEnd, type Ends, MAX_ENDS, MEMORY_MS } from "./supervision.ts";

Deno.test("afterEnd() waits longer each time, and then gives up", () => {
  let ends: Ends = [];
  const waits: (number | null)[] = [];
  for (let count = 0; count < MAX_ENDS; count++) {
    const next = afterEnd(ends, count);
    ends = next.ends;
    waits.push(next.waitMs);
  }
  deepStrictEqual(waits, [50, 200, 800, 3200, null]);
});

Deno.test("afterEnd() forgets ends that are long ago", () => {
  const { ends, waitMs } = afterEnd([0, 1, 2, 3, 4], MEMORY_MS + 4);
  strictEqual(waitMs, 50);
  deepStrictEqual(ends, [MEMORY_MS + 4]);
});
