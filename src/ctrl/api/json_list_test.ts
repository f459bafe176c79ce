import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { until } from "../../../tests/support/wait.ts";
import { systemClock } from "../../sys/clock.ts";
import { jsonList } from "./json_list.ts";

const SITE = {
  closing: new AbortController().signal,
  context: { clock: systemClock },
};

Deno.test("jsonList() answers the same object, however long the list is", async () => {
  for (const length of [0, 1, 256, 257, 1000]) {
    const values = Array.from({ length }, (_, i) => i);
    const show = (value: number) => ({ name: `"${value}` });
    const answer = jsonList({ revision: 7 }, "vms", values, show, SITE);
    strictEqual(answer.headers.get("content-type"), "application/json");
    deepStrictEqual(await answer.json(), {
      revision: 7,
      vms: values.map(show),
    });
  }
});

Deno.test("jsonList() makes what is read, and cuts off who reads nothing", async () => {
  let made = 0;
  const values = Array.from({ length: 10_000 }, (_, i) => i);
  const answer = jsonList({}, "vms", values, () => ++made, SITE, {
    stallMs: 50,
  });
  const reader = answer.body!.getReader();
  await reader.read();
  strictEqual(made, 256);
  let isCut = false;
  reader.closed.catch(() => isCut = true);
  await until("the reader was cut off", () => isCut);
  await rejects(reader.read(), /took nothing for 50 ms/);
  strictEqual(made, 256);
});

Deno.test("jsonList() stops when its reader goes, and fails when a value does", async () => {
  let made = 0;
  const values = Array.from({ length: 1000 }, (_, i) => i);
  const left = jsonList({}, "vms", values, () => ++made, SITE);
  const reader = left.body!.getReader();
  await reader.read();
  await reader.cancel();
  strictEqual(made, 256);
  const broken = jsonList({}, "vms", values, (value) => {
    if (value === 300) throw new Error("no such VM");
    return value;
  }, SITE);
  await rejects(broken.text(), /no such VM/);
});
