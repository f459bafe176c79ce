/**
 * The fault knobs of `sim`, one by one, under a clock that the test moves.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, throws } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { isUsherError } from "../../error/mod.ts";
import { SimOptions, VmSpec } from "../../schema/vm.ts";
import type { DomainPlan } from "../driver.ts";
import { parseSimNodeOptions, type SimNodeOptions } from "./faults.ts";
import { SimHypervisor } from "./hypervisor.ts";
import { createSimDriver, type SimDriver } from "./mod.ts";

const signal = new AbortController().signal;
const context = { stateDir: "", log() {} };

async function make(
  faults: Partial<SimNodeOptions> = {},
): Promise<{ clock: FakeClock; driver: SimDriver }> {
  const clock = new FakeClock();
  return { clock, driver: await createSimDriver(context, { faults, clock }) };
}

function plan(knobs: Partial<SimOptions> = {}, uid = "01"): DomainPlan {
  const spec = VmSpec.parse({
    sim: knobs,
    disks: [{ path: "/d" }],
    nics: [{ kind: "user" }],
  });
  return {
    uid,
    name: `web-${uid}.lab.ann`,
    generation: 1,
    incarnation: "op",
    spec,
  };
}

/** Whether `promise` has come to an end, by now. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let over = false;
  const end = () => void (over = true);
  promise.then(end, end);
  await new Promise((resolve) => setTimeout(resolve, 0));
  return over;
}

function code(expected: string): (error: unknown) => boolean {
  return (error) => isUsherError(error) && error.code === expected;
}

async function stateOf(driver: SimDriver, uid = "01"): Promise<string> {
  return (await driver.inspect(uid, signal)).state;
}

Deno.test("bootMs: the domain is starting for so long, and the start waits", async () => {
  const { clock, driver } = await make();
  const start = driver.start(plan({ bootMs: 3000 }), signal);

  await clock.advance(2999);
  deepStrictEqual([await isOver(start), await stateOf(driver)], [
    false,
    "starting",
  ]);
  await clock.advance(1);
  deepStrictEqual((await start).state, "running");
});

Deno.test("shutdownMs: a guest that obeys too late still goes, after its stop timed out", async () => {
  const { clock, driver } = await make();
  await driver.start(plan({ shutdownMs: 5000 }), signal);

  const stop = driver.stop("01", { graceMs: 2000, signal });
  stop.catch(() => {});
  await clock.advance(1999);
  deepStrictEqual([await isOver(stop), await stateOf(driver)], [
    false,
    "stopping",
  ]);
  await clock.advance(1);
  await rejects(stop, code("timed_out"));
  deepStrictEqual(await stateOf(driver), "running");
  await clock.advance(3000);
  deepStrictEqual(await stateOf(driver), "stopped");
});

Deno.test("ignoreShutdown: only a power cut stops the domain", async () => {
  const { clock, driver } = await make();
  await driver.start(plan({ ignoreShutdown: true }), signal);

  const stop = driver.stop("01", { graceMs: 60_000, signal });
  stop.catch(() => {});
  await clock.advance(60_000);
  await rejects(stop, code("timed_out"));
  await clock.advance(3_600_000);
  deepStrictEqual(await stateOf(driver), "running");
  deepStrictEqual(
    (await driver.stop("01", { graceMs: 0, signal })).state,
    "stopped",
  );
});

Deno.test("startError: the start throws this text and leaves no domain", async () => {
  const { driver } = await make();

  await rejects(
    driver.start(plan({ startError: "Out of luck" }), signal),
    /^UsherError: Out of luck$/,
  );

  deepStrictEqual(await driver.list(signal), []);
});

Deno.test("startHangs: the start never returns; an abort ends the wait and a power cut the domain", async () => {
  const { clock, driver } = await make();
  const abort = new AbortController();
  const aborted = driver.start(plan({ startHangs: true }), abort.signal);
  const waiting = driver.start(plan({ startHangs: true }), signal);
  waiting.catch(() => {});

  await clock.advance(86_400_000);
  deepStrictEqual(await isOver(waiting), false);
  abort.abort(new Error("enough"));
  await rejects(aborted, /enough/);
  deepStrictEqual(await stateOf(driver), "starting");
  await driver.stop("01", { graceMs: 0, signal });
  await rejects(waiting, code("driver_failed"));
});

Deno.test("crashAfterMs: counts from when the domain runs, without the time spent paused", async () => {
  const { clock, driver } = await make();
  const start = driver.start(
    plan({ bootMs: 1000, crashAfterMs: 2000 }),
    signal,
  );
  await clock.advance(2000);
  await start;

  await driver.pausing.pause("01", signal);
  await clock.advance(50_000);
  deepStrictEqual(await stateOf(driver), "paused");
  await driver.pausing.resume("01", signal);
  await clock.advance(999);
  deepStrictEqual(await stateOf(driver), "running");
  await clock.advance(1);
  deepStrictEqual(await stateOf(driver), "crashed");
});

Deno.test("crashAfterMs: a watcher hears of it though nobody asks", async () => {
  const { clock, driver } = await make();
  const heard: string[] = [];
  const abort = new AbortController();
  const watch = (async () => {
    for await (const { state } of driver.watch(abort.signal)) heard.push(state);
  })();
  await driver.start(plan({ crashAfterMs: 2000 }), signal);
  await clock.advance(2000);
  abort.abort();
  await watch;

  deepStrictEqual(heard, ["running", "crashed"]);
});

Deno.test("replyLost: every verb acts, and its answer is interrupted", async () => {
  const { driver } = await make();
  const lost = plan({ replyLost: true });
  const verbs: [() => Promise<unknown>, string][] = [
    [() => driver.start(lost, signal), "running"],
    [() => driver.pausing.pause("01", signal), "paused"],
    [() => driver.pausing.resume("01", signal), "running"],
    [() => driver.stop("01", { graceMs: 10, signal }), "stopped"],
    [() => driver.forget("01", signal), "absent"],
  ];
  for (const [verb, state] of verbs) {
    await rejects(verb(), code("interrupted"));
    deepStrictEqual(await stateOf(driver), state);
  }
});

Deno.test("probeUndetected, probeUnhealthy and probeDelayMs decide what a probe says, and when", async () => {
  const { clock, driver } = await make();
  deepStrictEqual((await driver.probe(signal)).health, "healthy");
  driver.faults.probeUnhealthy = "fan broken";
  deepStrictEqual(await driver.probe(signal), {
    health: "unhealthy",
    reason: "fan broken",
  });
  driver.faults.probeUndetected = true;
  deepStrictEqual((await driver.probe(signal)).health, "undetected");
  driver.faults.probeDelayMs = 500;
  const late = driver.probe(signal);
  await clock.advance(499);
  deepStrictEqual(await isOver(late), false);
  await clock.advance(1);
  ok(await late);
});

Deno.test("listDelayMs and listError make list and inspect late, and fail", async () => {
  const { clock, driver } = await make({ listDelayMs: 700 });
  for (const verb of ["list", "inspect"] as const) {
    const look = verb === "list"
      ? driver.list(signal)
      : driver.inspect("01", signal);
    await clock.advance(699);
    deepStrictEqual(await isOver(look), false);
    await clock.advance(1);
    await look;
  }
  driver.faults.listDelayMs = 0;
  driver.faults.listError = "libvirtd is away";
  await rejects(driver.list(signal), code("unavailable"));
  await rejects(driver.inspect("01", signal), /libvirtd is away/);
});

Deno.test("startsPerSecond: further starts wait for their turn", async () => {
  const { clock, driver } = await make({ startsPerSecond: 2 });
  const starts = ["a", "b", "c"].map((uid) =>
    driver.start(plan({}, uid), signal)
  );
  const over = async () =>
    (await Promise.all(starts.map(isOver))).filter((its) => its).length;

  deepStrictEqual(await over(), 1);
  await clock.advance(500);
  deepStrictEqual(await over(), 2);
  await clock.advance(500);
  deepStrictEqual(await over(), 3);
});

Deno.test("startFailsEvery: every nth start of the node fails", async () => {
  const { driver } = await make({ startFailsEvery: 3 });
  const ends = [];
  for (const uid of ["a", "b", "c", "d", "e", "f"]) {
    ends.push(
      await driver.start(plan({}, uid), signal).then(
        () => "ok",
        () => "failed",
      ),
    );
  }

  deepStrictEqual(ends, ["ok", "ok", "failed", "ok", "ok", "failed"]);
  deepStrictEqual((await driver.list(signal)).length, 4);
});

Deno.test("verbDelayMs: a verb acts that late", async () => {
  const { clock, driver } = await make({ verbDelayMs: 400 });
  const start = driver.start(plan(), signal);
  await clock.advance(399);
  deepStrictEqual(await stateOf(driver), "absent");
  await clock.advance(1);
  deepStrictEqual((await start).state, "running");
});

Deno.test("foreign: domains that usher did not make are there, and obey no verb", async () => {
  const { driver } = await make(
    parseSimNodeOptions({ foreign: [{ name: "old-db", memoryMiB: 512 }] }),
  );
  const [found] = await driver.list(signal);

  deepStrictEqual(found, {
    uid: null,
    domain: "foreign-old-db",
    name: "old-db",
    state: "running",
    reason: "",
    incarnation: null,
    generation: 0,
    memoryMiB: 512,
  });
  deepStrictEqual(
    (await driver.stop("foreign-old-db", { graceMs: 0, signal })).state,
    "absent",
  );
  deepStrictEqual((await driver.list(signal))[0]?.state, "running");
});

Deno.test("a node's options are checked, and a mistake names its key", () => {
  throws(
    () => parseSimNodeOptions({ listDelayMs: -1 }),
    /drivers\.sim\.listDelayMs/,
  );
  throws(() => parseSimNodeOptions({ colour: "blue" }), /colour/);
  deepStrictEqual(parseSimNodeOptions(undefined), parseSimNodeOptions({}));
});

Deno.test("no sleep is under way for any number of domains that no knob makes wait", async () => {
  const { clock, driver } = await make();
  for (let i = 0; i < 2000; i++) await driver.start(plan({}, `u${i}`), signal);

  deepStrictEqual(clock.sleeping, 0);
  for (let i = 0; i < 100; i++) {
    await driver.start(plan({ crashAfterMs: i }, `c${i}`), signal);
  }
  ok(clock.sleeping <= 1, `${clock.sleeping} sleeps`);
});

Deno.test("counters depend on the domain and the time it ran, and on nothing else", async () => {
  const one = await make();
  const two = await make();
  for (const { clock, driver } of [one, two]) {
    await driver.start(plan(), signal);
    await clock.advance(10_000);
    await driver.pausing.pause("01", signal);
    await clock.advance(5000);
  }
  const first = await one.driver.counters(signal);
  deepStrictEqual(first, await two.driver.counters(signal));
  const { cpuSeconds } = first.get("01")!;
  ok(
    cpuSeconds !== null && cpuSeconds > 0 && cpuSeconds <= 10,
    `${cpuSeconds} s of cpu in 10 s`,
  );
  await one.clock.advance(1000);
  deepStrictEqual(await one.driver.counters(signal), first);
});

Deno.test("a closed driver ends its waits, and its hypervisor goes on", async () => {
  const hypervisor = await SimHypervisor.open({ clock: new FakeClock() });
  const driver = await createSimDriver(context, { hypervisor });
  const start = driver.start(plan({ startHangs: true }), signal);
  start.catch(() => {});
  const watch = Array.fromAsync(driver.watch(signal));

  await driver[Symbol.asyncDispose]();

  await rejects(start, code("interrupted"));
  ok(await watch);
  deepStrictEqual(hypervisor.get("sim-01")?.phase, "starting");
});

Deno.test("the console obeys a line that says poweroff, and one that says crash", async () => {
  for (
    const [line, state] of [["poweroff", "stopped"], [
      "crash",
      "crashed",
    ]] as const
  ) {
    const { driver } = await make();
    await driver.start(plan(), signal);
    await using stream = await driver.console.attach("01", signal);
    const writer = stream.writable.getWriter();
    for (const part of [line.slice(0, 3), `${line.slice(3)}\r`]) {
      await writer.write(new TextEncoder().encode(part));
    }

    deepStrictEqual(await stateOf(driver), state);
  }
});
