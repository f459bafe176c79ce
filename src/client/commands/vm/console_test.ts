import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  FakeIo,
  type FakeIoOptions,
  refusal,
  usher,
} from "../../../../tests/support/fake_client.ts";
import { EXIT } from "../../exit.ts";

/** A socket whose other side says all at once, in the same turn. */
class FakeSocket extends EventTarget {
  binaryType = "";
  readyState: number = WebSocket.CONNECTING;
  readonly sent: Uint8Array[] = [];
  readonly url: string;

  constructor(url: string, says: readonly (string | Uint8Array | null)[]) {
    super();
    this.url = url;
    queueMicrotask(() => this.#begin(says));
  }

  #begin(says: readonly (string | Uint8Array | null)[]): void {
    const [first] = says;
    if (first === null) return void this.dispatchEvent(new Event("error"));
    this.readyState = WebSocket.OPEN;
    this.dispatchEvent(new Event("open"));
    for (const said of says) {
      const data = said instanceof Uint8Array ? said.slice().buffer : said;
      this.dispatchEvent(
        said === null
          ? new Event("close")
          : new MessageEvent("message", { data }),
      );
    }
  }

  send(bytes: Uint8Array): void {
    this.sent.push(bytes.slice());
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
  }
}

const OPENED = JSON.stringify({ type: "opened" });
const CLOSED = JSON.stringify({ type: "closed", reason: "powered off" });
const bytes = (text: string) => new TextEncoder().encode(text);

async function open(
  argv: string[],
  says: readonly (string | Uint8Array | null)[],
  io: FakeIo | FakeIoOptions,
) {
  let socket: FakeSocket | undefined;
  const ran = await usher(
    ["vm", "console", "web", ...argv],
    () => refusal("wrong_state", 'VM "web" has no console: it is stopped'),
    io,
    (url) => (socket = new FakeSocket(url, says)) as unknown as WebSocket,
  );
  return { ...ran, socket };
}

Deno.test("what comes right behind the opening of a console is not lost", async () => {
  const { code, out, socket } = await open(
    ["--linger", "1ms"],
    [OPENED, bytes("booted\r\n")],
    { input: "uptime\r" },
  );
  strictEqual(code, EXIT.done);
  strictEqual(out, "booted\r\n");
  deepStrictEqual(socket?.sent, [bytes("uptime\r")]);
  match(socket?.url ?? "", /\/v1\/vms\/web\/console\?history=65536$/);
});

Deno.test("^] leaves a console, all before it reaches the guest, and the terminal is put back", async () => {
  const io = new FakeIo({ terminal: true, input: "ls\x03\x1dmore" });
  const { code, out, err, socket } = await open([], [OPENED], io);
  strictEqual(code, EXIT.done);
  deepStrictEqual(socket?.sent, [bytes("ls\x03")]);
  deepStrictEqual(io.raw, [true, false]);
  match(err, /console of web; \^\] leaves\r\n[^]*left the console of web/);
  strictEqual(out.startsWith("\x1b[0m\x1b[?25h"), true, "colours and cursor");
});

Deno.test("a console that does not open in the time it is given says what it waited for", async () => {
  const waiting = JSON.stringify({
    type: "waiting",
    for: "node n1 to open it",
  });
  const { code, err } = await open(["--timeout", "1ms"], [waiting], {});
  strictEqual(code, EXIT.failed);
  match(err, /waits for node n1 to open it\n {2}try: try again, and wait/);
});

Deno.test("a console ends with its VM, is lost with its connection, and says why there is none", async () => {
  const ended = await open(["--no-input"], [OPENED, CLOSED], {});
  strictEqual(ended.code, EXIT.done);
  match(ended.err, /console closed: powered off\n/);

  const lost = await open(["--no-input"], [OPENED, bytes("a"), null], {});
  strictEqual(lost.code, EXIT.failed);
  match(lost.err, /Lost the console of "web"\n {2}try: open it again/);

  const refused = await open([], [null], { terminal: true });
  strictEqual(refused.code, EXIT.conflict);
  match(refused.err, /has no console\n {2}why: it is stopped/);
});
