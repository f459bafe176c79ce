import { deepStrictEqual, match, throws } from "node:assert/strict";
import type { DownFrame } from "../../schema/frame.ts";
import type { Problem } from "../../schema/problem.ts";
import { toProblem, UsherError } from "../../error/mod.ts";
import { silentLog } from "../../sys/log.ts";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { until } from "../../../tests/support/wait.ts";
import { NodeLinks, type NodeSession } from "../nodes/node_links.ts";
import type { Vm } from "../../schema/vm.ts";
import { ConsoleRelay } from "./console_relay.ts";

interface Said {
  readonly type: string;
  readonly for?: string;
  readonly reason?: string;
  readonly problem?: Problem;
}

/** A client's socket, which is open. */
class ClientSocket extends EventTarget {
  readyState: number = WebSocket.OPEN;
  readonly bufferedAmount = 0;
  readonly said: Said[] = [];

  send(data: string | Uint8Array): void {
    this.said.push(
      typeof data === "string" ? JSON.parse(data) : { type: "bytes" },
    );
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new Event("close"));
  }
}

const VM = {
  name: "web.lab.ann",
  uid: "01J00000000000000000000000",
  node: "n1",
  spec: { driver: "sim" },
} as unknown as Vm;

/** A console that a client waits for, since the node has not opened it yet. */
class Opening {
  readonly socket = new ClientSocket();
  readonly right = new AbortController();
  readonly asked: DownFrame[] = [];
  readonly #session = new AbortController();
  readonly #links = new NodeLinks();
  readonly #clock = new FakeClock();
  readonly relay = new ConsoleRelay(
    { clock: this.#clock, newId: () => "id1", log: silentLog },
    this.#links,
  );
  readonly served: Promise<void>;

  constructor() {
    const link = this.#links.link("n1");
    link.synced = true;
    link.session = {
      ended: this.#session.signal,
      sendReliable: (frame: DownFrame) => void this.asked.push(frame),
    } as unknown as NodeSession;
    const socket = this.socket as unknown as WebSocket;
    this.served = this.relay.serve(socket, VM, 0, { over: this.right.signal });
  }

  /** Resolves once the node was asked. */
  async untilAsked(): Promise<void> {
    await until("the node is asked", () => this.asked[0]);
    // Whatever the time, nobody gives up but the client.
    await this.#clock.advance(3_600_000);
  }

  /** The node opens the stream. */
  opens(node = "n1"): ReadableStream<Uint8Array> {
    return this.relay.arrived(node, "id1", new ReadableStream());
  }

  /** The node says why it does not. */
  refuses(error: UsherError): void {
    this.#links.link("n1").answer({
      ...{ type: "result", id: "id1", seq: 1, domain: null },
      problem: toProblem(error),
    });
  }

  cut(): void {
    this.#session.abort("cut");
  }

  get types(): string[] {
    return this.socket.said.map(({ type }) => type);
  }
}

Deno.test("who opens a console is told what that waits for, and may wait as long as they like", async () => {
  const opening = new Opening();
  await opening.untilAsked();
  deepStrictEqual(opening.socket.said, [
    { type: "waiting", for: "node n1 to open it" },
  ]);
  opening.opens();
  await until("it is open", () => opening.types[1]);
  deepStrictEqual(opening.types, ["waiting", "opened"]);
  opening.socket.close();
  await opening.served;
});

Deno.test("a node that cannot open a console, or is lost meanwhile, is told of at once", async () => {
  const refused = new Opening();
  await refused.untilAsked();
  refused.refuses(new UsherError("busy", "Somebody has its serial line"));
  await refused.served;
  match(JSON.stringify(refused.socket.said.at(-1)), /Somebody has its serial/);

  const cut = new Opening();
  await cut.untilAsked();
  cut.cut();
  await cut.served;
  match(
    JSON.stringify(cut.socket.said.at(-1)),
    /Lost node n1 while it opened the console/,
  );
});

Deno.test("nobody opens a console that its client has left, or that another node was asked for", async () => {
  const left = new Opening();
  await left.untilAsked();
  throws(() => left.opens("n2"), /Nobody waits for this console/);
  left.right.abort("this session has ended");
  await left.served;
  deepStrictEqual(left.socket.said.at(-1), {
    type: "closed",
    reason: "this session has ended",
  });
  throws(() => left.opens(), /Nobody waits for this console/);

  const closed = new Opening();
  await closed.untilAsked();
  closed.socket.close();
  await closed.served;
  deepStrictEqual(closed.types, ["waiting"]);
  throws(() => closed.opens(), /Nobody waits for this console/);
});
