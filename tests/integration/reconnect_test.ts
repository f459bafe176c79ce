/**
 * Commands that wait come back by themselves when the controller is killed and
 * started again, and end as if nothing had been.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { KillableSite } from "../support/killable_site.ts";
import { until } from "../support/wait.ts";

Deno.test("every command that waits comes back after the controller was killed", async () => {
  await using site = await KillableSite.start(["n1", "n2"]);
  const boot = ["--sim", "bootMs=4000"];
  const slow = ["--sim", "sendMs=4000"];
  await site.run("vm", "start", "moving", "--on", "n1", ...slow);
  const left = await site.run("vm", "start", "left", ...boot, "--no-wait");
  const start = site.command(["vm", "start", "web", ...boot]);
  const attach = site.command(["op", "attach", left.trim()]);
  const wait = site.command(["vm", "wait", "left", "--for", "state=running"]);
  const events = site.command(["events", "--follow", "-o", "ndjson"]);
  const migrate = site.command(["vm", "migrate", "moving", "--to", "n2"]);
  const waiting = [start, attach, wait, events, migrate];
  // The look before the wait is a request of its own.
  await until("all listen", () =>
    wait.answers() >= 2 &&
    waiting.every(({ answers }) => answers() > 0) &&
    migrate.io.err.includes("moving"));
  await site.crash();
  const codes = [start, attach, wait, migrate].map(({ ended }) => ended);
  deepStrictEqual(
    await Promise.all(codes),
    [0, 0, 0, 0],
    waiting.map(({ io }) => io.err).join("\n"),
  );
  for (const { io } of [start, attach, migrate]) {
    match(io.err, /connection lost/);
  }
  await site.run("vm", "poweroff", "web");
  await until(
    "the stream tells of it",
    () => /"web\.default\.admin".*"stopped"/.test(events.io.out),
  );
  events.io.interrupt();
  strictEqual(await events.ended, 0);
  match(await site.run("vm", "show", "moving"), /node +n2/);
});
