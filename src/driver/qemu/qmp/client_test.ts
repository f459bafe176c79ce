/**
 * The QMP client against peers that behave, misbehave and fall silent.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { isUsherError, type UsherError } from "../../../error/mod.ts";
import { connectUnix } from "../../../sys/unix_socket.ts";
import {
  type FakeConnection,
  GREETING,
  startFakeQmp,
} from "../../../../tests/support/fake_qmp.ts";
import { QmpClient, refusalOf } from "./client.ts";
import { EventQueue } from "./event_queue.ts";
import type { SessionState } from "./session_state.ts";

const SOON = { deadlineMs: 10_000 };

async function opened(
  path: string,
): Promise<{ client: QmpClient; states: SessionState[] }> {
  const states: SessionState[] = [];
  const client = new QmpClient({ onState: (state) => states.push(state) });
  await client.open(() => connectUnix(path), AbortSignal.timeout(10_000));
  return { client, states };
}

async function answer(
  connection: FakeConnection,
  reply: (command: string) => unknown,
): Promise<void> {
  for (
    let call = await connection.receive();
    call !== null;
    call = await connection.receive()
  ) {
    await connection.send({
      ...(reply(String(call["execute"])) as object),
      id: call["id"],
    });
  }
}

async function failureOf(work: Promise<unknown>): Promise<UsherError> {
  const error = await work.then(() => null, (error: unknown) => error);
  ok(isUsherError(error));
  return error;
}

Deno.test("execute() returns what QEMU returns, and throws what it refuses", async () => {
  await using fake = await startFakeQmp(async (connection) => {
    await connection.greet();
    await answer(
      connection,
      (command) =>
        command === "query-status"
          ? { return: { status: "running" } }
          : { error: { class: "CommandNotFound", desc: `no ${command}` } },
    );
  });
  const { client, states } = await opened(fake.path);
  strictEqual(client.version, "7.2.22");
  deepStrictEqual(await client.execute("query-status", {}, SOON), {
    status: "running",
  });
  const error = await failureOf(client.execute("fly", {}, SOON));
  strictEqual(error.code, "driver_failed");
  strictEqual(refusalOf(error)?.errorClass, "CommandNotFound");
  client.close();
  strictEqual(await client.ended, null);
  deepStrictEqual(states, ["connecting", "running", "disconnecting", "idle"]);
});

Deno.test("open() gives up on a peer that accepts and never greets, and says that nothing was sent", async () => {
  await using fake = await startFakeQmp(async (connection) =>
    void await connection.receive()
  );
  const states: SessionState[] = [];
  const client = new QmpClient({ onState: (state) => states.push(state) });
  await rejects(
    client.open(() => connectUnix(fake.path), AbortSignal.timeout(30)),
    { code: "unavailable" },
  );
  deepStrictEqual(states, ["connecting", "idle"]);
});

Deno.test("open() refuses a greeting of another protocol, and half a greeting", async () => {
  for (
    const text of [
      '{"SSH":2}\n',
      JSON.stringify(GREETING).slice(0, 30),
      "",
      "220 hello\r\n",
      "[1]\n",
    ]
  ) {
    await using fake = await startFakeQmp(async (connection) => {
      await connection.sendText(text);
      connection.close();
    });
    const client = new QmpClient();
    await rejects(
      client.open(() => connectUnix(fake.path), AbortSignal.timeout(10_000)),
      {
        code: "unavailable",
      },
    );
    strictEqual(client.state, "idle");
  }
});

Deno.test("open() of a socket that is not there is unavailable", async () => {
  await rejects(
    new QmpClient().open(
      () => connectUnix("/nonexistent/qmp"),
      AbortSignal.timeout(10_000),
    ),
    {
      code: "unavailable",
    },
  );
});

Deno.test("execute() in an idle session names the state found and the state needed", () => {
  throws(() => new QmpClient().execute("stop", {}, SOON), {
    code: "wrong_state",
    message: /execute stop.*is idle and must be running/,
  });
});

Deno.test("a peer that closes without a reply leaves the outcome unknown", async () => {
  await using fake = await startFakeQmp(async (connection) => {
    await connection.greet();
    await connection.receive();
    connection.close();
  });
  const { client, states } = await opened(fake.path);
  await rejects(client.execute("system_powerdown", {}, SOON), {
    code: "interrupted",
  });
  await client.ended;
  deepStrictEqual(states, ["connecting", "running", "disconnecting", "idle"]);
});

Deno.test("a peer that does not answer in time leaves the outcome unknown, and its late reply is dropped", async () => {
  const release = Promise.withResolvers<void>();
  await using fake = await startFakeQmp(async (connection) => {
    await connection.greet();
    const late = await connection.receive();
    await release.promise;
    await connection.send({ return: "late", id: late?.["id"] });
    await answer(connection, () => ({ return: "in time" }));
  });
  const { client } = await opened(fake.path);
  await rejects(client.execute("stop", {}, { deadlineMs: 20 }), {
    code: "interrupted",
  });
  release.resolve();
  strictEqual(await client.execute("cont", {}, SOON), "in time");
  client.close();
  await client.ended;
});

Deno.test("bytes that are no message end the session, and the reason tells which", async () => {
  const cases: [Uint8Array, RegExp][] = [
    [
      new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d, 0x0a]),
      /Cannot understand the monitor/,
    ],
    [new TextEncoder().encode('{"event":\n'), /Cannot understand the monitor/],
    [new TextEncoder().encode('{"return": {}}\n'), /without an id/],
    [new TextEncoder().encode('{"event": "ST'), /ends after 13 bytes/],
  ];
  for (const [bytes, reason] of cases) {
    await using fake = await startFakeQmp(async (connection) => {
      await connection.greet();
      await connection.receive();
      await connection.sendBytes(bytes);
      connection.close();
    });
    const { client } = await opened(fake.path);
    const error = await failureOf(client.execute("query-status", {}, SOON));
    strictEqual(error.code, "interrupted");
    match(error.message, reason);
    match(String(await client.ended), reason);
  }
});

Deno.test("a message that never ends is cut off at the limit", async () => {
  await using fake = await startFakeQmp(async (connection) => {
    await connection.greet();
    const part = new Uint8Array(1024 * 1024).fill(0x20);
    for (;;) await connection.sendBytes(part);
  });
  const { client } = await opened(fake.path);
  match(String(await client.ended), /more than 16777216 bytes/);
});

Deno.test("events between call and reply go to those who asked for them", async () => {
  await using fake = await startFakeQmp(async (connection) => {
    await connection.greet();
    const call = await connection.receive();
    await connection.send({ event: "STOP", timestamp: {} });
    await connection.send({
      event: "BALLOON_CHANGE",
      data: { actual: 1 },
      timestamp: {},
    });
    await connection.send({ return: {}, id: call?.["id"] });
    await connection.send({
      event: "SHUTDOWN",
      data: { guest: true },
      timestamp: {},
    });
    connection.close();
  });
  const { client } = await opened(fake.path);
  const some = client.listen(["STOP", "SHUTDOWN"]);
  const all = client.listen();
  await client.execute("stop", {}, SOON);
  deepStrictEqual((await Array.fromAsync(some)).map(({ event }) => event), [
    "STOP",
    "SHUTDOWN",
  ]);
  deepStrictEqual((await Array.fromAsync(all)).length, 3);
  await client.ended;
});

Deno.test("listen() to a session that is over hears nothing, and does not wait", async () => {
  await using fake = await startFakeQmp(async (connection) => {
    await connection.greet();
  });
  const { client } = await opened(fake.path);
  client.close();
  await client.ended;
  const heard = [];
  for await (const { event } of client.listen()) heard.push(event);
  deepStrictEqual(heard, []);
});

Deno.test("EventQueue drops the oldest beyond its limit, and counts them", async () => {
  const queue = new EventQueue(undefined, 2);
  for (const event of ["A", "B", "C"]) queue.push({ event, data: {} });
  queue.end();
  deepStrictEqual((await Array.fromAsync(queue)).map(({ event }) => event), [
    "B",
    "C",
  ]);
  strictEqual(queue.lost, 1);
});
