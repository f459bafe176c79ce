/**
 * Consoles: a client's WebSocket joined to a stream that the node opens.
 *
 * The node is asked over its session for a stream with an id; it opens that
 * as a request of its own, so a console that floods cannot hold up the
 * session. Closing either end closes the other and never touches the domain.
 *
 * @module
 */
import { messageOf, toProblem, UsherError } from "../../error/mod.ts";
import { Deadline } from "../../sys/clock.ts";
import type { Vm } from "../../schema/vm.ts";
import { ConsoleInput } from "./console_input.ts";
import type { ConsoleRight } from "./console_right.ts";
import type { CtrlContext } from "../context.ts";
import type { NodeLinks } from "../nodes/node_links.ts";
import { driverOf } from "../operations/steps.ts";

/** How long a node may take to open the stream. */
const OPEN_MS = 10_000;

/** How often it is looked whether the client's session still lives. */
const LIVE_MS = 5_000;

/** What a client that reads too slowly may be behind, in bytes. */
const MAX_BEHIND_BYTES = 8 * 1024 * 1024;

interface Waiting {
  readonly node: string;
  readonly resolve: (stream: NodeStream) => void;
  readonly reject: (error: unknown) => void;
}

/** The node's end of a console. */
export interface NodeStream {
  readonly fromGuest: ReadableStream<Uint8Array>;
  readonly toGuest: WritableStream<Uint8Array>;
}

/** Joins clients and nodes. */
export class ConsoleRelay {
  readonly #context: CtrlContext;
  readonly #links: NodeLinks;
  readonly #waiting = new Map<string, Waiting>();

  constructor(context: CtrlContext, links: NodeLinks) {
    this.#context = context;
    this.#links = links;
  }

  /** A node opened the stream it was asked for. Throws `not_found` for another. */
  arrived(
    id: string,
    body: ReadableStream<Uint8Array>,
  ): ReadableStream<Uint8Array> {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      throw new UsherError("not_found", "Nobody waits for this console");
    }
    this.#waiting.delete(id);
    const { readable, writable } = new TransformStream<
      Uint8Array,
      Uint8Array
    >();
    waiting.resolve({ fromGuest: body, toGuest: writable });
    return readable;
  }

  /** A node could not open the stream it was asked for. */
  failed(id: string, error: UsherError): void {
    this.#waiting.get(id)?.reject(error);
    this.#waiting.delete(id);
  }

  /** Serves a client's socket until either end closes it or its user's right is over. */
  async serve(
    socket: WebSocket,
    vm: Vm,
    historyBytes: number,
    right: Pick<ConsoleRight, "over" | "lost">,
  ): Promise<void> {
    const closed = new AbortController();
    const look = () => {
      const reason = right.lost();
      if (reason === null || closed.signal.aborted) return;
      send(socket, { type: "closed", reason });
      closed.abort();
    };
    right.over.addEventListener("abort", look, { once: true });
    void this.#lookWhile(closed.signal, look);
    socket.addEventListener("close", () => closed.abort(), { once: true });
    socket.addEventListener("error", () => closed.abort(), { once: true });
    const typed = new ConsoleInput((error) => {
      send(socket, { type: "problem", problem: toProblem(error) });
      closed.abort();
    });
    socket.addEventListener("message", ({ data }) => {
      if (data instanceof ArrayBuffer) typed.add(data);
    });
    try {
      await opened(socket, closed.signal);
      const stream = await this.#ask(vm, historyBytes, closed.signal);
      socket.send(JSON.stringify({ type: "opened" }));
      typed.goesTo(stream.toGuest.getWriter());
      closed.signal.addEventListener("abort", () => typed.end(), {
        once: true,
      });
      await pump(stream.fromGuest, socket, closed.signal);
      send(socket, { type: "closed", reason: "the console ended" });
      typed.end();
    } catch (error) {
      if (!closed.signal.aborted) {
        send(socket, { type: "problem", problem: toProblem(error) });
      }
      this.#context.log.debug("a console ended", {
        vm: vm.name,
        error: messageOf(error),
      });
    } finally {
      closed.abort();
      if (socket.readyState === WebSocket.OPEN) socket.close(1000);
    }
  }

  /** Calls `look` every now and then until `signal` aborts. */
  async #lookWhile(signal: AbortSignal, look: () => void): Promise<void> {
    while (!signal.aborted) {
      await this.#context.clock.sleep(LIVE_MS, signal).catch(() => {});
      if (!signal.aborted) look();
    }
  }

  async #ask(
    vm: Vm,
    historyBytes: number,
    signal: AbortSignal,
  ): Promise<NodeStream> {
    const link = this.#links.get(vm.node ?? "");
    if (link === undefined || !link.ready || link.session === null) {
      throw new UsherError(
        "unavailable",
        `Node ${vm.node} of VM "${vm.name}" is out of reach`,
        { subject: vm.name },
      );
    }
    const id = this.#context.newId();
    using deadline = new Deadline(
      this.#context.clock,
      OPEN_MS,
      "console from the node",
      signal,
    );
    const arrived = new Promise<NodeStream>((resolve, reject) => {
      this.#waiting.set(id, { node: link.name, resolve, reject });
      deadline.signal.addEventListener("abort", () => {
        this.#waiting.delete(id);
        reject(
          new UsherError(
            "unavailable",
            `Node ${link.name} did not open the console within ${
              OPEN_MS / 1000
            } s`,
          ),
        );
      }, { once: true });
    });
    link.session.sendReliable({
      type: "console",
      id,
      driver: driverOf(vm),
      uid: vm.uid,
      historyBytes,
    });
    return await arrived;
  }
}

function opened(socket: WebSocket, signal: AbortSignal): Promise<void> {
  if (socket.readyState === WebSocket.OPEN) return Promise.resolve();
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    signal.addEventListener("abort", () => reject(signal.reason), {
      once: true,
    });
  });
}

async function pump(
  stream: ReadableStream<Uint8Array>,
  socket: WebSocket,
  signal: AbortSignal,
): Promise<void> {
  const reader = stream.getReader();
  signal.addEventListener("abort", () => void reader.cancel().catch(() => {}), {
    once: true,
  });
  while (!signal.aborted) {
    const { done, value } = await reader.read();
    if (done) return;
    if (socket.bufferedAmount > MAX_BEHIND_BYTES) {
      throw new UsherError(
        "unavailable",
        "The console was closed: its reader is too slow",
      );
    }
    socket.send(value as Uint8Array<ArrayBuffer>);
  }
}

function send(socket: WebSocket, message: unknown): void {
  if (socket.readyState === WebSocket.OPEN) {
    socket.send(JSON.stringify(message));
  }
}
