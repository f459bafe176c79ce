/**
 * The audit log on a store in memory: what is durable when, how the chain goes
 * on over failures and restarts, and how it is kept within its bounds.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { Bench, DAY, note } from "../../../tests/support/audit_bench.ts";
import type { AuditRecord } from "../../schema/audit.ts";
import { silentLog } from "../../sys/log.ts";
import { keepAudit, trimAudit } from "./keep.ts";
import { followAudit, newestAudit, readAudit } from "./read.ts";

Deno.test("a note is durable with the commit that follows it, and costs no write", async () => {
  const bench = await Bench.open();
  const before = bench.disk.writes;
  bench.log.note(note("start"));
  await bench.store.commit([{ type: "set", key: ["vm", "1"], value: 1 }]);
  strictEqual(bench.disk.writes, before + 1);
  await bench.start();
  deepStrictEqual((await bench.records()).map(({ verb }) => verb), ["start"]);
  strictEqual(await bench.verify(), null);
});

Deno.test("a note of what writes nothing is durable a moment later", async () => {
  const bench = await Bench.open();
  bench.log.note(note("start", { decision: "refused" }));
  deepStrictEqual(await bench.records(), []);
  await bench.clock.advance(50);
  await bench.log.durable();
  strictEqual((await bench.records()).length, 1);
});

Deno.test("the chain goes on in the next controller, and over a full disk", async () => {
  const bench = await Bench.open();
  bench.log.note(note("a"));
  await bench.log.durable();
  bench.disk.isFull = true;
  bench.log.note(note("b"));
  await rejects(bench.store.commit([]), /full/);
  bench.log.note(note("c"));
  await rejects(bench.log.durable(), /full/);
  bench.disk.isFull = false;
  await bench.log.durable();
  await bench.start();
  bench.log.note(note("d"));
  await bench.log.durable();
  deepStrictEqual(
    (await bench.records()).map(({ seq, verb }) => `${seq} ${verb}`),
    ["1 a", "2 b", "3 c", "4 d"],
  );
  strictEqual(await bench.verify(), null);
});

Deno.test("what no more could wait in memory is counted", async () => {
  const bench = await Bench.open();
  bench.disk.isFull = true;
  const large = { names: Array(100).fill("x".repeat(400)) };
  for (let i = 0; i < 500; i++) bench.log.note(note("a", large));
  bench.disk.isFull = false;
  await bench.log.durable();
  bench.log.note(note("b"));
  await bench.log.durable();
  const records = await bench.records();
  const lost = records.find(({ verb }) => verb === "audit_lost");
  strictEqual(
    records.filter(({ verb }) => verb === "a").length +
      Number(lost?.args?.["records"]),
    500,
  );
  strictEqual(await bench.verify(), null);
});

Deno.test("a controller that lost its place writes no record", async () => {
  const bench = await Bench.open();
  const older = bench.log;
  await bench.start();
  older.note(note("old"));
  await rejects(older.durable(), /taken over/);
  bench.log.note(note("new"));
  await bench.log.durable();
  deepStrictEqual((await bench.records()).map(({ verb }) => verb), ["new"]);
  strictEqual(await bench.verify(), null);
});

Deno.test("the oldest goes for its age and for want of room, and the chain goes on from there", async () => {
  const bench = await Bench.open();
  for (let day = 0; day < 20; day++) {
    for (let i = 0; i < 50; i++) bench.log.note(note(`day ${day}`));
    await bench.log.durable();
    await bench.clock.advance(DAY);
  }
  const { hash } = bench.log.ends.head;
  await trimAudit(bench.context, bench.log, { keepMs: 10 * DAY, bytes: 1e9 });
  strictEqual(await bench.verify(hash), null);
  const [first] = await bench.records();
  strictEqual(first?.verb, "day 10");
  strictEqual(bench.log.ends.anchor.seq, 500);
  const bytes = Math.floor(bench.log.ends.bytes / 2);
  await trimAudit(bench.context, bench.log, { keepMs: 100 * DAY, bytes });
  ok(bench.log.ends.bytes <= bytes + 1000, `${bench.log.ends.bytes}`);
  await bench.start();
  strictEqual(await bench.verify(hash), null);
  const cuts = (await bench.records()).filter(({ verb }) =>
    verb === "audit_trim"
  );
  strictEqual(cuts.length, 2);
});

Deno.test("a cut that fails leaves the log as it was", async () => {
  const bench = await Bench.open();
  bench.log.note(note("a"));
  await bench.log.durable();
  await bench.clock.advance(2 * DAY);
  bench.log.note(note("b"));
  await bench.log.durable();
  const { anchor, bytes } = bench.log.ends;
  bench.disk.isFull = true;
  const bounds = { keepMs: DAY, bytes: 1e9 };
  await rejects(trimAudit(bench.context, bench.log, bounds), /full/);
  deepStrictEqual(bench.log.ends.anchor, anchor);
  strictEqual(bench.log.ends.bytes, bytes);
  bench.disk.isFull = false;
  await bench.log.durable();
  strictEqual(await bench.verify(), null);
});

Deno.test("the head is said in the log every hour in which there was anything", async () => {
  const bench = await Bench.open();
  const said: unknown[] = [];
  const log = {
    ...silentLog,
    info: (_: string, fields?: object) => void said.push(fields),
  };
  const closing = new AbortController();
  bench.log.note(note("a"));
  await bench.log.durable();
  const { seq, hash } = bench.log.ends.head;
  const context = { ...bench.context, log };
  const bounds = { keepMs: DAY, bytes: 1e9 };
  const kept = keepAudit(context, bench.log, bounds, closing.signal);
  for (let i = 0; i < 3; i++) await bench.clock.advance(3_600_000);
  closing.abort();
  await kept;
  deepStrictEqual(said, [{ seq, hash }]);
});

Deno.test("reading: by the hour, the newest, and by what was asked", async () => {
  const bench = await Bench.open();
  for (let hour = 0; hour < 30; hour++) {
    bench.log.note(note(`v${hour}`, { user: hour % 2 === 0 ? "ann" : "bob" }));
    await bench.log.durable();
    await bench.clock.advance(3_600_000);
  }
  const verbs = (records: readonly AuditRecord[]) =>
    records.map(({ verb }) => verb);
  deepStrictEqual(verbs(await newestAudit(bench.log, {}, 3)), [
    "v27",
    "v28",
    "v29",
  ]);
  deepStrictEqual(verbs(await newestAudit(bench.log, { user: "ann" }, 2)), [
    "v26",
    "v28",
  ]);
  const since = new Date(bench.clock.now() - 2.5 * 3_600_000).toISOString();
  deepStrictEqual(
    verbs(await Array.fromAsync(readAudit(bench.log, { since }))),
    ["v28", "v29"],
  );
  strictEqual((await newestAudit(bench.log, { vm: "web" }, 99)).length, 30);
  strictEqual((await newestAudit(bench.log, { vm: "we" }, 99)).length, 0);
});

Deno.test("following begins after a record, and loses none, also of an earlier controller", async () => {
  const bench = await Bench.open();
  for (const verb of ["a", "b"]) bench.log.note(note(verb));
  await bench.log.durable();
  await bench.start();
  const closing = new AbortController();
  const lines = followAudit(bench.log, {}, 1, closing.signal);
  strictEqual((await lines.next()).value?.verb, "b");
  const next = lines.next();
  bench.log.note(note("c"));
  await bench.log.durable();
  strictEqual((await next).value?.verb, "c");
  closing.abort();
  strictEqual((await lines.next()).done, true);
});

Deno.test("a log that is written fast is cut before its hour, down to its size, and who writes most is named", async () => {
  const bench = await Bench.open();
  const said: unknown[] = [];
  const log = {
    ...silentLog,
    warn: (_: string, fields?: object) => void said.push(fields),
  };
  const closing = new AbortController();
  const context = { ...bench.context, log };
  const bounds = { keepMs: DAY, bytes: 400_000 };
  const kept = keepAudit(context, bench.log, bounds, closing.signal);
  let most = 0;
  for (let second = 0; second < 120; second++) {
    for (let i = 0; i < 50; i++) bench.log.note(note("share"));
    bench.log.note(note("start", { user: "bob" }));
    await bench.clock.advance(1000);
    most = Math.max(most, bench.log.ends.bytes);
  }
  ok(most < 550_000, `${most}`);
  ok(said.length > 0 && said.length < 20, `${said.length}`);
  deepStrictEqual(said[0], { busiest: 'user "ann"' });
  strictEqual(await bench.verify(), null);
  closing.abort();
  await kept;
});
