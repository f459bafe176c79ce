/**
 * Processes by pid and start time, so that nobody else is taken for one.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { until } from "../../tests/support/wait.ts";
import {
  isFrozen,
  lowerPriority,
  readLiving,
  readNetBytes,
  readProcess,
  signalProcess,
} from "./process_table.ts";

function sleeper(): Deno.ChildProcess {
  return new Deno.Command("sleep", { args: ["3600"] }).spawn();
}

Deno.test("a pid that another process has got is neither alive nor signalled", async () => {
  await using child = sleeper();
  const { pid, startTicks } = readProcess(child.pid)!;
  // What had this pid before was started at another time.
  const former = { pid, startTicks: startTicks - 1 };
  strictEqual(readLiving(former), null);
  strictEqual(signalProcess(former, "SIGKILL"), false);
  ok(readLiving({ pid, startTicks }) !== null, "somebody else was killed");

  strictEqual(signalProcess({ pid, startTicks }, "SIGKILL"), true);
  strictEqual((await child.status).signal, "SIGKILL");
  strictEqual(readLiving({ pid, startTicks }), null);
});

Deno.test("isFrozen() tells a process that was stopped from one that sleeps", async () => {
  await using child = sleeper();
  const id = readProcess(child.pid)!;
  strictEqual(isFrozen(id), false);
  child.kill("SIGSTOP");
  await until("it is stopped", () => isFrozen(id));
  child.kill("SIGCONT");
  child.kill("SIGKILL");
  await child.status;
  strictEqual(isFrozen(id), false);
});

Deno.test("readProcess() reads its own numbers right", () => {
  const before = readProcess(Deno.pid)!;
  strictEqual(before.parent, Deno.ppid);
  // RSS in pages, and CPU time in ticks, against what Deno itself tells.
  const { rss } = Deno.memoryUsage();
  ok(
    before.residentBytes > rss / 2 && before.residentBytes < rss * 2,
    `${before.residentBytes} and ${rss}`,
  );
  const until = performance.now() + 100;
  while (performance.now() < until);
  const after = readProcess(Deno.pid)!;
  ok(after.cpuSeconds > before.cpuSeconds);
  ok(after.cpuSeconds < before.cpuSeconds + 60);
});

Deno.test("readNetBytes() sums the devices it is asked for, and knows none that is not there", () => {
  const lo = readNetBytes(Deno.pid, ["lo"]);
  ok(lo !== null && lo.rx === lo.tx, "a loopback gets what it sends");
  strictEqual(readNetBytes(Deno.pid, ["nosuch0"]), null);
  deepStrictEqual(readNetBytes(Deno.pid, ["lo", "nosuch0"]), lo);
});

Deno.test("lowerPriority() reaches all threads of a process", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "setInterval(() => {}, 1000)"],
  }).spawn();
  const id = readProcess(child.pid)!;
  const nices = () =>
    [...Deno.readDirSync(`/proc/${child.pid}/task`)].map(({ name }) => {
      const text = Deno.readTextFileSync(
        `/proc/${child.pid}/task/${name}/stat`,
      );
      return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[16]);
    });
  await until("it has threads", () => nices().length > 2);
  const before = nices()[0]!;
  lowerPriority(id, Math.min(19, before + 3));
  await until("all are lower", () => {
    lowerPriority(id, Math.min(19, before + 3));
    return nices().every((nice) => nice > before || before === 19);
  });
  signalProcess(id, "SIGKILL");
  await child.status;
  lowerPriority(id, 19); // nothing, and no throw
});
