import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { clientOf, refusal } from "../../../tests/support/fake_client.ts";
import { connect } from "../api.ts";
import type { HttpClient } from "../platform.ts";
import { type ConsoleOptions, GuestConsole } from "./console.ts";

/** A socket whose other side is the test. */
class FakeSocket extends EventTarget {
  binaryType = "";
  readyState: number = WebSocket.CONNECTING;
  readonly sent: Uint8Array[] = [];

  says(data: string | Uint8Array): void {
    const message = data instanceof Uint8Array ? data.slice().buffer : data;
    this.readyState = WebSocket.OPEN;
    this.dispatchEvent(new MessageEvent("message", { data: message }));
  }

  breaks(): void {
    this.dispatchEvent(new Event("close"));
  }

  send(bytes: Uint8Array): void {
    this.sent.push(bytes.slice());
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
  }
}

const OPENED = JSON.stringify({ type: "opened" });

/** A console that is being opened, and the other side of it. */
function opening(signal?: AbortSignal, more: ConsoleOptions = {}) {
  const socket = new FakeSocket();
  const api = connect({
    controller: "https://ctrl:8440",
    open: (): HttpClient => ({
      ...clientOf(() => refusal("wrong_state", "It is stopped")),
      openSocket: () => socket as unknown as WebSocket,
    }),
  });
  return { socket, line: GuestConsole.open(api, "web", { ...more, signal }) };
}

Deno.test("what had come before a line broke is read still, and then the break is thrown", async () => {
  const { socket, line } = opening();
  socket.says(OPENED);
  const console = await line;
  socket.says(new Uint8Array([1, 2]));
  socket.says(new Uint8Array([3]));
  socket.breaks();
  const read: number[] = [];
  const reading = async () => {
    for await (const bytes of console) read.push(...bytes);
  };
  await rejects(reading(), /Lost the console of "web"/);
  deepStrictEqual(read, [1, 2, 3]);
  await rejects(console.write("x"), /Lost/);
});

Deno.test("a reader that falls eight MiB behind is told, and cut off", async () => {
  const { socket, line } = opening();
  socket.says(OPENED);
  const console = await line;
  const part = new Uint8Array(1024 * 1024);
  for (let i = 0; i < 9; i++) socket.says(part);
  await rejects(console.closed, /its reader is too slow/);
  strictEqual(socket.readyState, WebSocket.CLOSED);
});

Deno.test("how long a line may take is its caller's to say, who is told what it waits for", async () => {
  const told: string[] = [];
  const onWaiting = (what: string) => void told.push(what);
  const { socket, line } = opening(undefined, { timeoutMs: 1, onWaiting });
  socket.says(JSON.stringify({ type: "waiting", for: "node n1 to open it" }));
  deepStrictEqual(told, ["node n1 to open it"]);
  await rejects(line, /within 0\.001 s: it waits for node n1 to open it/);
  strictEqual(socket.readyState, WebSocket.CLOSED);
});

Deno.test("a line is given up while it opens, and a refusal is told with its reason", async () => {
  const giving = new AbortController();
  const given = opening(giving.signal);
  const reason = new Error("enough");
  giving.abort(reason);
  await rejects(given.line, (error) => error === reason);
  strictEqual(given.socket.readyState, WebSocket.CLOSED);
  const { socket, line } = opening();
  socket.dispatchEvent(new Event("error"));
  await rejects(line, /It is stopped/);
});

Deno.test("bytes and text reach the guest in their order, and a closed line takes none", async () => {
  const { socket, line } = opening();
  socket.says(OPENED);
  using console = await line;
  await console.write("ab");
  const writer = console.writable.getWriter();
  await writer.write(new Uint8Array([1]));
  await writer.close();
  deepStrictEqual(socket.sent, [
    new TextEncoder().encode("ab"),
    new Uint8Array([1]),
  ]);
  strictEqual(await console.closed, "closed by this client");
  strictEqual(console.isOver, true);
});
