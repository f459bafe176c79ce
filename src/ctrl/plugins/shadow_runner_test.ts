import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { fakePlugin, FakeRunner } from "../../../tests/support/fake_runner.ts";
import { until } from "../../../tests/support/wait.ts";
import { refusedBy } from "../../plugin/failure.ts";
import type { HandlerCall, LoadedPlugin } from "../../plugin/runner.ts";
import { ShadowRunner } from "./shadow_runner.ts";

function callOf({ registrations: [registration] }: LoadedPlugin): HandlerCall {
  if (registration === undefined) throw new Error("Nothing is registered");
  return {
    registration,
    event: registration.event,
    args: [{ names: ["web"], args: {} }],
    decision: "d1",
    operation: null,
    depth: 0,
    isReplay: false,
    deadlineMs: 1000,
  };
}

function edited(value: string) {
  return () => [{ names: ["web"], args: { by: value } }];
}

Deno.test("ShadowRunner: what runs beside a plugin is called as it is, as a replay, and only compared", async () => {
  const live = new FakeRunner({ a: edited("live") });
  const others = new FakeRunner({ a: edited("other") });
  const runner = new ShadowRunner(live, others);
  const plugin = fakePlugin("a", ["start_request"], "1");
  const other = fakePlugin("a", ["start_request"], "2");
  await runner.use([plugin]);
  strictEqual(runner.shadowView("a"), null);
  await runner.useShadows([{ live: plugin, other, until: null }]);
  const { args } = await runner.call(callOf(plugin));
  deepStrictEqual(args, edited("live")(), "the live one decides");
  const view = await until("they were compared", () => {
    const shown = runner.shadowView("a");
    return shown?.compared === 1 ? shown : null;
  });
  deepStrictEqual([view.hash, view.different], ["2", 1]);
  match(view.last[0] ?? "", /args\.by to "live"; it: .*args\.by to "other"/);
  deepStrictEqual(others.calls.map(({ isReplay }) => isReplay), [true]);
});

Deno.test("ShadowRunner: the same decision is no difference, whatever the reason; a secret's is not told", async () => {
  const refuse = (why: string) => () => {
    throw refusedBy("a", why, null);
  };
  const live = new FakeRunner({ a: refuse("too many") });
  const others = new FakeRunner({ a: refuse("too few") });
  const runner = new ShadowRunner(live, others);
  const plugin = fakePlugin("a", ["start_request", "client_authenticate"], "1");
  const other = fakePlugin("a", ["start_request", "client_authenticate"], "2");
  await runner.use([plugin]);
  await runner.useShadows([{ live: plugin, other, until: null }]);
  await runner.call(callOf(plugin)).catch(() => {});
  await until("they were compared", () => runner.shadowView("a")?.compared);
  strictEqual(runner.shadowView("a")?.different, 0);
  others.handlers["a"] = edited("secret");
  const call = callOf(plugin);
  const registration = plugin.registrations[1] ?? call.registration;
  const event = "client_authenticate";
  await runner.call({ ...call, registration, event }).catch(() => {});
  await until("they differ", () => runner.shadowView("a")?.different);
  deepStrictEqual(runner.shadowView("a")?.last, [
    "client_authenticate: answers otherwise",
  ]);
});

Deno.test("ShadowRunner: one that falls behind delays nothing, and misses calls", async () => {
  const live = new FakeRunner();
  const others = new FakeRunner({ a: () => new Promise(() => {}) });
  const runner = new ShadowRunner(live, others);
  const plugin = fakePlugin("a", ["start_request"], "1");
  await runner.use([plugin]);
  await runner.useShadows([
    {
      live: plugin,
      other: fakePlugin("a", ["start_request"], "2"),
      until: null,
    },
  ]);
  for (let i = 0; i < 40; i++) await runner.call(callOf(plugin));
  strictEqual(others.calls.length, 32);
  strictEqual(runner.shadowView("a")?.skipped, 8);
});
