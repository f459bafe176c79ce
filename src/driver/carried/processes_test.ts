/**
 * What sends a domain away is found by whoever looks for it, and is not taken for
 * ended before it can be found.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { newId } from "../../sys/id.ts";
import { until } from "../../../tests/support/wait.ts";
import { findSenders, startSender } from "./processes.ts";

Deno.test("startSender() tells that a sender may be over once it has ended", async () => {
  const folder = await Deno.makeTempDir();
  const uid = newId();
  try {
    const program = ["sleep", "600"] as const;
    const mayBeOver = await startSender(uid, folder, program, {});
    ok(!mayBeOver(), "it was taken for ended");
    await until("it is found", () => findSenders(uid).length > 0);
    deepStrictEqual(findSenders(newId()), []);

    end(uid);
    await until("its end is known", mayBeOver);
    deepStrictEqual(findSenders(uid), []);
  } finally {
    end(uid);
    await Deno.remove(folder, { recursive: true });
  }
});

function end(uid: string): void {
  for (const { pid } of findSenders(uid)) Deno.kill(pid, "SIGKILL");
}
