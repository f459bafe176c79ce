/**
 * A program that has a QEMU pause its guest, kills it, and ends once it has
 * gone: `stopAndKill` runs it while this process does nothing at all. So the
 * event, the end of the monitor's session and the end of the process all lie
 * ready when this process goes on, whichever it looks at first.
 *
 * @module
 */
import { QmpClient } from "../../src/driver/qemu/qmp/client.ts";
import { readLiving, readProcess } from "../../src/sys/process_table.ts";
import { connectUnix } from "../../src/sys/unix_socket.ts";
import { until } from "./wait.ts";

/** Pauses the guest through `monitor`, then kills `pid`; this process stands still meanwhile. */
export function stopAndKill(pid: number, monitor: string): void {
  const { success, stderr } = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--no-check",
      import.meta.filename!,
      `${pid}`,
      monitor,
    ],
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

if (import.meta.main) {
  const [pid = "", monitor = ""] = Deno.args;
  const process = readProcess(Number(pid));
  const client = new QmpClient();
  await client.open(() => connectUnix(monitor), AbortSignal.timeout(60_000));
  await client.execute("stop", {}, { deadlineMs: 60_000 });
  Deno.kill(Number(pid), "SIGKILL");
  await until(
    "QEMU is gone",
    () => process === null || readLiving(process) === null,
    { deadlineMs: 60_000 },
  );
  client.close();
}
