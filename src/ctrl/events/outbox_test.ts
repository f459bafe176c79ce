/**
 * The outbox: told after it is durable, in order, again after a crash, and
 * never without bound.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { HeardEvents } from "../../../tests/support/heard_events.ts";
import { until } from "../../../tests/support/wait.ts";
import { newOperation, vmIn } from "../../../tests/property/arbitraries.ts";
import { FailingStore } from "../../store/failing_store.ts";
import { keys } from "../../store/key.ts";
import { MemoryDatabase, openMemoryStore } from "../../store/memory_store.ts";
import type { Store } from "../../store/store.ts";
import { newId } from "../../sys/id.ts";
import { silentLog } from "../../sys/log.ts";
import { Records } from "../records/records.ts";
import type { Write } from "../records/write.ts";
import { MAX_AGE_MS, MAX_WAITING, Outbox } from "./outbox.ts";

const VM = vmIn("running", "n1", "01a");
const VM_WRITE: Write = { kind: "vm", key: VM.uid, value: VM };

function inState(state: "running" | "paused" | "stopped"): Write {
  const value = { ...VM, status: { ...VM.status, state } };
  return { kind: "vm", key: VM.uid, value };
}

async function open(
  events: HeardEvents,
  { database = new MemoryDatabase(), clock = new FakeClock() } = {},
) {
  const store = new FailingStore(await openMemoryStore({ database }));
  const context = { clock, newId, log: silentLog };
  const records = await Records.load(store);
  const outbox = await Outbox.load({ context, store, events });
  records.tellThrough(outbox);
  return { store, records, outbox, clock, database };
}

async function kept(store: Pick<Store, "list">): Promise<string[]> {
  const events: string[] = [];
  for await (const { value } of store.list(keys.allTold())) {
    events.push((value as { event: string }).event);
  }
  return events;
}

Deno.test("Outbox tells a write's events in its order once the write is durable", async () => {
  const events = new HeardEvents();
  const { store, records, outbox } = await open(events);
  outbox.open();
  store.hold();
  const writing = records.write([VM_WRITE]);
  deepStrictEqual(events.said, []);
  store.release();
  await writing;
  await records.write([inState("paused")]);
  await records.write([inState("paused")]);
  await records.write([{ kind: "vm", key: VM.uid, value: null }]);
  await until("all is told", () => events.heard.length >= 4);
  deepStrictEqual(events.said, [
    "cluster_register lab.ann",
    `register ${VM.name}`,
    `state_change ${VM.name}`,
    `unregister ${VM.name}`,
  ]);
  const [last] = events.heard.at(-1)?.args as [typeof VM];
  strictEqual(last.status.state, "paused");
});

Deno.test("Outbox tells nothing of a write that fails, and of its repetition once", async () => {
  const events = new HeardEvents();
  const { store, records, outbox, clock } = await open(events);
  outbox.open();
  store.fail({ outcome: "lost" });
  await rejects(records.write([VM_WRITE]));
  deepStrictEqual(events.said, []);
  // It is there all the same, as the write is.
  deepStrictEqual(await kept(store), ["cluster_register", "register"]);
  await records.write([VM_WRITE]);
  await until("it is told", () => events.heard.length >= 2);
  await until("nothing is left", async () => {
    await clock.advance(1000);
    return (await kept(store)).length === 0;
  });
  strictEqual(events.heard.length, 2);
});

Deno.test("Outbox writes nothing for events that nobody hears", async () => {
  const { store, records, outbox } = await open(new HeardEvents(["start"]));
  outbox.open();
  await records.write([VM_WRITE]);
  await records.write([inState("paused")]);
  deepStrictEqual(await kept(store), []);
  strictEqual(outbox.status().told, 0);
});

Deno.test("Outbox tells from memory what is only recorded, and writes nothing for it", async () => {
  const events = new HeardEvents();
  events.isRegistered = () => false;
  const { store, records, outbox, clock } = await open(events);
  outbox.open();
  await records.write([VM_WRITE]);
  await until("it is told", () => events.heard.length === 2);
  const { mutations } = store.stats();
  await clock.advance(1000);
  strictEqual(store.stats().mutations, mutations);
  ok(!outbox.isRegistering(VM.uid));
});

Deno.test("Outbox keeps an event until its chain has ended, and tells it again after a crash, with the same name", async () => {
  const events = new HeardEvents();
  events.onTell = () => new Promise(() => {});
  const first = await open(events);
  first.outbox.open();
  await first.records.write([VM_WRITE, inState("paused")]);
  await until("the first are told", () => events.heard.length === 2);
  const again = new HeardEvents();
  const second = await open(again, first);
  deepStrictEqual(await kept(second.store), [
    "cluster_register",
    "register",
    "state_change",
  ]);
  ok(second.outbox.isRegistering(VM.uid));
  deepStrictEqual(again.said, []);
  second.outbox.open();
  await until("all is told", () => again.heard.length === 3);
  deepStrictEqual(again.heard.map(({ event }) => event), [
    "cluster_register",
    "register",
    "state_change",
  ]);
  strictEqual(
    again.heard[0]?.firing.decision,
    events.heard[0]?.firing.decision,
  );
  await until("nothing is left", async () => {
    await second.clock.advance(1000);
    return (await kept(second.store)).length === 0;
  });
});

Deno.test("Outbox tells what an operation came to, with the requests of plugins that led to it", async () => {
  const events = new HeardEvents(["start", "start_failure"]);
  const { records, outbox } = await open(events);
  outbox.open();
  const running = { ...newOperation("start"), uid: VM.uid, vm: VM.name };
  const filed = {
    plugin: "p",
    event: "timer",
    operation: null,
    cause: null,
    depth: 2,
  };
  await records.write([VM_WRITE, {
    kind: "request",
    key: running.request,
    value: {
      v: 1,
      id: running.request,
      user: "plugin:p",
      verb: "start",
      digest: "",
      count: 1,
      createdAt: "",
      filed,
    },
  }, { kind: "operation", key: running.id, value: running }]);
  const done = { ...running, state: "succeeded" as const };
  const write: Write = { kind: "operation", key: done.id, value: done };
  await records.write([inState("paused"), write]);
  await records.write([write]);
  await until("it is told", () => events.heard.length > 0);
  const [heard] = events.heard;
  strictEqual(heard?.event, "start");
  strictEqual((heard.args[0] as typeof VM).status.state, "paused");
  strictEqual(heard.firing.operation, done.id);
  strictEqual(heard.firing.depth, 2);
  strictEqual(events.heard.length, 1);
});

Deno.test("Outbox drops the oldest when too many wait, says it once, and lets their starts go on", async () => {
  const events = new HeardEvents(["state_change", "register"]);
  events.onTell = () => new Promise(() => {});
  const said: string[] = [];
  const log = { ...silentLog, error: (text: string) => void said.push(text) };
  const store = await openMemoryStore();
  const clock = new FakeClock();
  const context = { clock, newId, log };
  const outbox = await Outbox.load({ context, store, events });
  outbox.open();
  const news = (n: number, event: "register" | "state_change") => ({
    event,
    args: [VM] as [typeof VM],
    lane: n < 2 ? "same" : `${n}`,
    decision: `${n}`,
  });
  await outbox.post([news(0, "state_change"), news(1, "register")]);
  ok(outbox.isRegistering("same"));
  for (let from = 2; from < MAX_WAITING + 1000; from += 1000) {
    await outbox.post(
      Array.from({ length: 1000 }, (_, i) => news(from + i, "state_change")),
    );
  }
  const { waiting, dropped } = outbox.status();
  strictEqual(waiting, MAX_WAITING);
  ok(dropped > 0);
  strictEqual(said.length, 1);
  strictEqual(events.missing.length, dropped);
  ok(!outbox.isRegistering("same"));
  await clock.advance(MAX_AGE_MS + 1000);
  await outbox.post([news(-1, "state_change")]);
  // The new one alone, behind one whose chain does not end.
  strictEqual(outbox.status().waiting, 1);
});

Deno.test("Outbox.registered() waits for the chain, and for no longer than it is asked to", async () => {
  const events = new HeardEvents();
  const chain = Promise.withResolvers<void>();
  events.onTell = () => chain.promise;
  const { records, outbox } = await open(events);
  outbox.open();
  await records.write([VM_WRITE]);
  const abort = new AbortController();
  const waiting = outbox.registered(VM.uid, abort.signal);
  abort.abort(new Error("enough"));
  await rejects(waiting, /enough/);
  const patient = outbox.registered(VM.uid, new AbortController().signal);
  chain.resolve();
  await patient;
  ok(!outbox.isRegistering(VM.uid));
});
