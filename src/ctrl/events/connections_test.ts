/**
 * Connections: each told of once, in order, from a session's first request to
 * its end or a minute's quiet, also when it is the controller that ends.
 *
 * @module
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { HeardEvents } from "../../../tests/support/heard_events.ts";
import { MemoryDatabase, openMemoryStore } from "../../store/memory_store.ts";
import { newId } from "../../sys/id.ts";
import { silentLog } from "../../sys/log.ts";
import type { Caller } from "../auth/caller.ts";
import { Connections, QUIET_MS } from "./connections.ts";
import { Outbox } from "./outbox.ts";

const ANN: Caller = {
  user: "ann",
  role: "user",
  expiresAt: "",
  session: "s1",
  groups: ["staff"],
};

async function open(database = new MemoryDatabase()) {
  const events = new HeardEvents(["client_connect", "client_disconnect"]);
  const clock = new FakeClock();
  const context = { clock, newId, log: silentLog };
  const store = await openMemoryStore({ database });
  const outbox = await Outbox.load({ context, store, events });
  const connections = await Connections.load({
    context,
    store,
    events,
    outbox,
  });
  connections.begin();
  outbox.open();
  const told = async () => {
    await clock.advance(0);
    return events.heard.map(({ event }) => event);
  };
  return { events, clock, connections, told, database };
}

Deno.test("a client connects with its first request, and is told of until a minute after its last", async () => {
  const { events, clock, connections, told } = await open();
  connections.enter(ANN, "192.0.2.7")[Symbol.dispose]();
  deepStrictEqual(await told(), ["client_connect"]);
  const [client] = events.heard[0]?.args as [Record<string, unknown>];
  deepStrictEqual(
    [client.user, client.role, client.groups, client.address],
    ["ann", "user", ["staff"], "192.0.2.7"],
  );
  await clock.advance(QUIET_MS - 1);
  connections.enter(ANN)[Symbol.dispose]();
  await clock.advance(QUIET_MS - 1);
  deepStrictEqual(await told(), ["client_connect"]);
  await clock.advance(1);
  deepStrictEqual(await told(), ["client_connect", "client_disconnect"]);
  connections.enter(ANN)[Symbol.dispose]();
  strictEqual((await told()).at(-1), "client_connect");
});

Deno.test("a client stays connected while a stream of it is open", async () => {
  const { clock, connections, told } = await open();
  const stream = connections.enter(ANN);
  await clock.advance(10 * QUIET_MS);
  connections.enter(ANN)[Symbol.dispose]();
  await clock.advance(10 * QUIET_MS);
  deepStrictEqual(await told(), ["client_connect"]);
  stream[Symbol.dispose]();
  stream[Symbol.dispose]();
  await clock.advance(QUIET_MS);
  deepStrictEqual(await told(), ["client_connect", "client_disconnect"]);
});

Deno.test("a session that ends disconnects its client at once, and once", async () => {
  const { clock, connections, told } = await open();
  const stream = connections.enter(ANN);
  connections.ended("s1");
  connections.ended("s1");
  const { sleeping } = clock;
  stream[Symbol.dispose]();
  strictEqual(clock.sleeping, sleeping, "nobody is left to watch");
  await clock.advance(2 * QUIET_MS);
  deepStrictEqual(await told(), ["client_connect", "client_disconnect"]);
  strictEqual(connections.size, 0);
});

Deno.test("clients of a controller that died are disconnected when the next one starts", async () => {
  const first = await open();
  first.connections.enter(ANN);
  deepStrictEqual(await first.told(), ["client_connect"]);
  // That it was told is noted a little later.
  await first.clock.advance(1000);
  const second = await open(first.database);
  deepStrictEqual(await second.told(), ["client_disconnect"]);
  const [client] = second.events.heard[0]?.args as [{ user: string }];
  strictEqual(client.user, "ann");
  await second.clock.advance(1000);
  const third = await open(second.database);
  deepStrictEqual(await third.told(), []);
});
