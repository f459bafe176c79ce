import { ok } from "node:assert/strict";
import { until } from "../../tests/support/wait.ts";
import { listThreads, readProcess, signalProcess } from "./process_table.ts";
import { raiseAgain, yieldToOthers } from "./scheduling.ts";

const SCHED_IDLE = 5;

/** What the kernel says of each thread: its priority, and its policy (proc(5)). */
function ranks(pid: number): { nice: number; policy: number }[] {
  return listThreads(pid).map((thread) => {
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${thread}/stat`);
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { nice: Number(fields[16]), policy: Number(fields[38]) };
  });
}

Deno.test("a process that is to yield does so with all its threads, and no more once that is taken back", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "setInterval(() => {}, 1000)"],
  }).spawn();
  const id = readProcess(child.pid)!;
  await until("it has threads", () => ranks(child.pid).length > 2);
  // Who may not raise it again lowers its priority instead.
  const yields = ({ nice, policy }: { nice: number; policy: number }) =>
    policy === SCHED_IDLE || nice >= 10;
  await until("all yield", () => {
    yieldToOthers(id);
    return ranks(child.pid).every(yields);
  });
  const wasIdle = ranks(child.pid)[0]?.policy === SCHED_IDLE;
  raiseAgain(id);
  ok(!wasIdle || ranks(child.pid).every(({ policy }) => policy === 0));
  signalProcess(id, "SIGKILL");
  await child.status;
  yieldToOthers(id); // nothing, and no throw
  raiseAgain(id);
});
