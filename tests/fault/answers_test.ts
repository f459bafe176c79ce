/**
 * A controller that dies while plugins decide and hear: who has answered is
 * not asked again, and who has not is asked under the same decision.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Chains } from "../../src/plugin/chain/chains.ts";
import { LocalRunner } from "../../src/plugin/local_runner.ts";
import type { PluginContext } from "../../src/plugin/api.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { silentLog } from "../../src/sys/log.ts";
import { keys } from "../../src/store/key.ts";
import { CrashingSite } from "../support/crashing_site.ts";
import { fakePlugin } from "../support/fake_runner.ts";
import { pluginOf } from "../support/local_plugins.ts";
import { until } from "../support/wait.ts";

/** What each plugin was called for, as `plugin event`, and under which decisions. */
interface Calls {
  readonly said: string[];
  readonly decisions: string[];
}

/** A site whose plugins `quick` and `slow` hear these events; `slow` answers when it may. */
async function siteWith(events: readonly string[], may: () => Promise<void>) {
  const calls: Calls = { said: [], decisions: [] };
  const noting = (name: string, then: () => Promise<void>) =>
    pluginOf(name, {
      async "*"(args: unknown[], ctx: PluginContext) {
        calls.said.push(`${name} ${ctx.event}`);
        calls.decisions.push(ctx.decision);
        await then();
        const [request] = args as [{ args: Record<string, string> }];
        return ctx.event.endsWith("_request")
          ? [{ ...request, args: { ...request.args, [name]: ctx.event } }]
          : undefined;
      },
    });
  const runner = new LocalRunner({
    clock: systemClock,
    answerer: { answer: () => Promise.reject(new Error("Nothing is granted")) },
    site: () => ({}) as never,
    heard: () => {},
  } as never, {
    quick: noting("quick", () => Promise.resolve()),
    slow: noting("slow", may),
    // Whoever asks to come in may.
    door: pluginOf("door", { lnm_authenticate: ([shown]) => [shown, true] }),
  });
  const chains = new Chains({ runner, clock: systemClock, log: silentLog });
  await chains.replace([
    fakePlugin("quick", events),
    fakePlugin("slow", events),
    fakePlugin("door", ["lnm_authenticate"]),
  ]);
  const site = await CrashingSite.start(1, chains);
  return { site, calls };
}

/** How many records of this kind there are. */
async function stored(site: CrashingSite, kind: string): Promise<number> {
  let count = 0;
  for await (const { key, type } of site.engine.records.snapshot()) {
    if (key[0] === kind) count += type === "set" ? 1 : -1;
  }
  return count;
}

const [ANSWERS] = keys.allAnswers() as [string];

Deno.test("a controller dies while a plugin decides: the one before it is not asked again", async () => {
  const gate = Promise.withResolvers<void>();
  const { site: started, calls } = await siteWith(
    ["request", "start_request"],
    () => calls.said.length < 4 ? Promise.resolve() : gate.promise,
  );
  await using site = started;
  const asked = { id: "started-1", verb: "start" as const, names: ["web"] };
  void site.submit(asked).catch(() => {});
  await until(
    "three answers are kept",
    async () => calls.said.length === 4 && await stored(site, ANSWERS) === 1,
  );
  site.kill();
  await site.revive();
  await site.untilReady();
  gate.resolve();
  const operation = await site.run(asked);
  deepStrictEqual(calls.said, [
    "quick request",
    "slow request",
    "quick start_request",
    "slow start_request",
    "slow start_request",
  ]);
  strictEqual(calls.decisions[4], calls.decisions[3]);
  deepStrictEqual(operation.args, {
    quick: "start_request",
    slow: "start_request",
  });
  // It went with the write of what was decided.
  strictEqual(await stored(site, ANSWERS), 0);
});

Deno.test("a controller dies while a plugin hears of a new VM: the one before it does not hear that again", async () => {
  const gate = Promise.withResolvers<void>();
  const { site: started, calls } = await siteWith(
    ["register"],
    () => gate.promise,
  );
  await using site = started;
  await site.submit({ id: "started-1", verb: "start", names: ["web"] });
  await until(
    "an answer is kept",
    async () => await stored(site, ANSWERS) === 1,
  );
  site.kill();
  gate.resolve();
  await site.revive();
  const { state, plugins } = await site.ended("started-1");
  strictEqual(state, "succeeded");
  deepStrictEqual(Object.keys(plugins ?? {}), ["quick", "slow"]);
  deepStrictEqual(calls.said, [
    "quick register",
    "slow register",
    "slow register",
  ]);
  strictEqual(calls.decisions[2], calls.decisions[1]);
  await until(
    "nothing is left",
    async () => await stored(site, ANSWERS) + await stored(site, "told") === 0,
  );
});
