import { rejects, strictEqual } from "node:assert/strict";
import { runCommand } from "./child.ts";
import { readProcess, signalProcess } from "./process_table.ts";

/** A program that tells the pid of a child of its own, which holds its output, and waits for that. */
const LEAVES_A_CHILD = 'sleep 600 & echo $! >"$1"; wait';
const DEADLINE_MS = 300;

/** Runs it; `signal` gives it up. */
async function run(signal?: AbortSignal): Promise<boolean> {
  const told = await Deno.makeTempFile();
  const words = ["-c", LEAVES_A_CHILD, "sh", told];
  try {
    return (await runCommand("sh", words, DEADLINE_MS, signal)).timedOut;
  } finally {
    const child = readProcess(Number(await Deno.readTextFile(told)));
    if (child !== null) signalProcess(child, "SIGKILL");
    await Deno.remove(told);
  }
}

Deno.test("runCommand() ends in time also when a child of the command's holds its output", async () => {
  strictEqual(await run(), true);
});

Deno.test("runCommand() ends with its caller also when a child of the command's holds its output", async () => {
  const given = new AbortController();
  setTimeout(() => given.abort(new Error("enough")), DEADLINE_MS / 3);
  await rejects(run(given.signal), { message: "enough" });
});
