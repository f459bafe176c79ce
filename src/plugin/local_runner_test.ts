import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { onBench } from "../../tests/support/plugin_bench.ts";
import { aVm, startRequest } from "../../tests/support/plugin_values.ts";
import { FakeClock } from "../../tests/support/fake_clock.ts";
import { UsherError } from "../error/mod.ts";
import type { Handlers, PluginTools } from "./api.ts";

function plugin(handlers: Handlers<{ limit: number }>) {
  return {
    manifest: { name: "quota", version: "1.0.0", api: 1 },
    default: ({ definePlugin, z }: PluginTools) =>
      definePlugin({
        options: z.strictObject({ limit: z.number().default(2) }),
        handlers,
      }),
  };
}

Deno.test("LocalRunner hands a handler its options and gives back what it returns", async () => {
  await using bench = await onBench(
    plugin({
      start_request: ([request], ctx) => [{
        ...request,
        args: { limit: `${ctx.options.limit}`, event: ctx.event },
      }],
    }),
    { options: { limit: 3 } },
  );
  const request = startRequest(["web.lab.ann"]);
  const answer = await bench.call("start_request", [request]);
  deepStrictEqual(answer, [{
    ...JSON.parse(JSON.stringify(request)),
    args: { limit: "3", event: "start_request" },
  }]);
});

Deno.test("LocalRunner names the plugin that refuses, with its reason on one line", async () => {
  await using bench = await onBench(plugin({
    start_request: (_args, ctx) => ctx.refuse("No\u001b[2J more.\n", "ask ann"),
  }));
  await rejects(
    bench.call("start_request", [startRequest(["web.lab.ann"])]),
    new UsherError("refused", 'Plugin "quota" refuses: No [2J more', {
      subject: "quota",
      hint: "ask ann",
    }),
  );
});

Deno.test("LocalRunner says what a handler threw, and of what kind a wrong answer is", async () => {
  await using bench = await onBench(plugin({
    start: () => {
      throw new TypeError("x is not y");
    },
    pause: () => "text" as unknown as void,
    resume: () => [10n] as unknown as void,
  }));
  const vm = [aVm("web.lab.ann")];
  await rejects(bench.call("start", vm), {
    code: "plugin_failed",
    message: /^Plugin "quota" failed on "start": TypeError: x is not y/,
  });
  await rejects(bench.call("pause", vm), { message: /gave back a string/ });
  await rejects(bench.call("resume", vm), { message: /BigInt/ });
});

Deno.test("LocalRunner gives up at the deadline, and what comes after it asks in vain", async () => {
  const clock = new FakeClock();
  const asked = Promise.withResolvers<unknown>();
  const going = Promise.withResolvers<void>();
  await using bench = await onBench(
    plugin({
      async start(_args, ctx) {
        await new Promise((resolve) => {
          ctx.signal.addEventListener("abort", resolve);
          going.resolve();
        });
        await Promise.resolve();
        ctx.state.set("late", true).then(asked.resolve, asked.resolve);
      },
    }),
    { clock },
  );
  const call = bench.call("start", [aVm("web.lab.ann")], { deadlineMs: 100 });
  await going.promise;
  const late = rejects(call, {
    code: "plugin_failed",
    message: /within 100 ms/,
  });
  await clock.advance(100);
  await late;
  strictEqual((await asked.promise as UsherError).code, "cancelled");
  strictEqual(bench.site.state.size, 0);
});

Deno.test("LocalRunner refuses options that the plugin's schema does not take", async () => {
  await rejects(
    onBench(plugin({ start() {} }), { options: { limit: "many" } }),
    {
      message: /^Options: Invalid input: expected number/,
    },
  );
});

Deno.test("LocalRunner keeps what a handler holds apart from what it was given", async () => {
  const vm = aVm("web.lab.ann");
  await using bench = await onBench(plugin({
    start: ([given]) => {
      (given as { name: string }).name = "other";
    },
  }));
  strictEqual(await bench.call("start", [vm]), null);
  strictEqual(vm.name, "web.lab.ann");
});

Deno.test("LocalRunner answers asks, checked, and tells errors by code", async () => {
  await using bench = await onBench(
    plugin({
      async "*"(_args, ctx) {
        const vm = await ctx.vms.get("web.lab.ann");
        const wrong = await ctx.state.get("").catch((error) => error.code);
        await ctx.state.commit([{ key: "a", value: 1 }], [
          { key: "a", value: null },
        ]);
        ctx.log.warn("seen", { name: vm?.name ?? "" });
        return [wrong, await ctx.state.list()];
      },
    }),
    { vms: [aVm("web.lab.ann")] },
  );
  deepStrictEqual(await bench.call("anything", []), [
    "invalid_input",
    [{ key: "a", value: 1 }],
  ]);
  deepStrictEqual(bench.lines, [{
    plugin: "quota",
    level: "warn",
    event: "anything",
    text: "seen",
    fields: { name: "web.lab.ann" },
  }]);
});

Deno.test("LocalRunner hands a plugin usher's own patterns, quantities and durations", async () => {
  const asked = {
    manifest: { name: "quota", version: "1.0.0", api: 1 },
    default: ({ definePlugin, ...tools }: PluginTools) =>
      definePlugin({
        options: tools.z.strictObject({
          wait: tools.duration,
          memory: tools.size,
        }),
        handlers: {
          told: (_args, ctx) => [
            ctx.options,
            tools.glob("b[ae]*")("berlin"),
            tools.vmPattern("web*.lab")("web-1.lab.ann"),
            tools.vmPattern("web*.lab")("web-1.other.ann"),
          ],
        },
      }),
  };
  const options = { wait: "1m30s", memory: "2GiB" };
  await using bench = await onBench(asked, { options });
  deepStrictEqual(await bench.call("told", []), [
    { wait: 90_000, memory: 2048 },
    true,
    true,
    false,
  ]);
});
