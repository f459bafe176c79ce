import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { onBench } from "../../tests/support/plugin_bench.ts";
import { aVm } from "../../tests/support/plugin_values.ts";
import { ordinal } from "./text/ordinal.ts";

Deno.test("sample2 counts each event in its own space", async () => {
  await using bench = await onBench(import("./plugin.ts"));
  for (const event of ["start", "pause", "start"]) {
    await bench.call(event, [aVm("web.lab.ann")]);
  }
  deepStrictEqual(bench.lines.map(({ text }) => text), [
    "the 1st start",
    "the 1st pause",
    "the 2nd start",
  ]);
});

Deno.test("sample2 counts calls side by side each once", async () => {
  await using bench = await onBench(import("./plugin.ts"));
  await Promise.all(
    Array.from({ length: 10 }, () => bench.call("start", [aVm("web.lab.ann")])),
  );
  strictEqual(bench.site.state.get("seen/start"), 10);
});

Deno.test("ordinal() knows the teens", () => {
  deepStrictEqual(
    [1, 2, 3, 4, 11, 12, 13, 21, 111, 122].map(ordinal),
    [
      "1st",
      "2nd",
      "3rd",
      "4th",
      "11th",
      "12th",
      "13th",
      "21st",
      "111th",
      "122nd",
    ],
  );
});
