import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { onBench } from "../tests/support/plugin_bench.ts";
import { aVm } from "../tests/support/plugin_values.ts";

Deno.test("sample logs what it hears of, and has its own event fired 5 s later", async () => {
  await using bench = await onBench(import("./sample.ts"));
  await bench.call("register", [aVm("web.lab.ann")], { decision: "d1" });
  const line = "hello, register of web.lab.ann";
  deepStrictEqual(bench.lines.map(({ text }) => text), [line]);
  const { params } = bench.site.scheduled.get("d1")!;
  deepStrictEqual(params, {
    when: 5000,
    event: "sample_event",
    args: ["register"],
    key: "d1",
  });
  await bench.call("sample_event", params.args);
  strictEqual(bench.lines.at(-1)?.text, "hello again, after register");
  strictEqual(bench.site.scheduled.size, 1);
});

Deno.test("sample schedules nothing twice when a call is made again", async () => {
  await using bench = await onBench(import("./sample.ts"));
  for (let i = 0; i < 2; i++) {
    await bench.call("ctrl_start", [{}], { decision: "d1" });
  }
  strictEqual(bench.site.scheduled.size, 1);
});
