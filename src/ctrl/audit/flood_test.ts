import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Bench, DAY, note } from "../../../tests/support/audit_bench.ts";
import type { AuditRecord } from "../../schema/audit.ts";
import { keepAudit } from "./keep.ts";

Deno.test("who is turned away again and again is counted, and pushes nobody out", async () => {
  const bench = await Bench.open();
  const turned = {
    user: "eve",
    via: "client" as const,
    address: "10.0.0.9",
    verb: "login",
    names: [],
    decision: "refused" as const,
    code: "unauthenticated",
  };
  for (let i = 0; i < 1000; i++) bench.log.note(turned);
  for (let i = 0; i < 300; i++) bench.log.note({ ...turned, session: `s${i}` });
  // One host, whichever of its addresses it takes; a node that says it is one.
  for (let i = 0; i < 300; i++) {
    const address = `2001:db8:0:7::${i.toString(16)}`;
    bench.log.note({ ...turned, address });
    const node = { via: "node" as const, decision: "failed" as const };
    bench.log.note({ ...turned, ...node, address, code: "plugin_failed" });
  }
  await bench.clock.advance(60_000);
  bench.log.note(turned);
  await bench.log.durable();
  const records = await bench.records();
  strictEqual(records.length, 20 + 200 + 20 + 20 + 1);
  deepStrictEqual(records.at(-1)?.args, { repeats: 980 });
});

Deno.test("what a user fails in again and again is counted, what is done is not, and the count is told once it is over", async () => {
  const bench = await Bench.open();
  const closing = new AbortController();
  const bounds = { keepMs: DAY, bytes: 1e9 };
  const kept = keepAudit(bench.context, bench.log, bounds, closing.signal);
  const failed = { decision: "failed", code: "not_found" } as const;
  for (let i = 0; i < 500; i++) {
    const session = `s${i % 7}`;
    bench.log.note(note("cancel", { ...failed, session }));
    bench.log.note(note("start", { session }));
    const restart = { ...failed, via: "controller", user: "" } as const;
    bench.log.note(note("restart", restart));
  }
  bench.log.note(note("cancel", { ...failed, user: "bob" }));
  await bench.log.durable();
  const count = (verb: string, all: AuditRecord[]) =>
    all.filter((one) => one.verb === verb).length;
  const before = await bench.records();
  deepStrictEqual(
    ["cancel", "start", "restart"].map((verb) => count(verb, before)),
    [201, 500, 500],
  );
  await bench.clock.advance(70_000);
  const after = await bench.records();
  strictEqual(after.length, before.length + 1);
  deepStrictEqual(after.at(-1)?.args, { repeats: 300 });
  strictEqual(await bench.verify(), null);
  closing.abort();
  await kept;
});
