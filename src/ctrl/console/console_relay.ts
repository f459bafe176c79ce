/**
 * Consoles: a client's WebSocket joined to a stream that the node opens.
 *
 * The node is asked over its session for a stream with an id; it opens that
 * as a request of its own, so a console that floods cannot hold up the
 * session. Closing either end closes the other and never touches the domain.
 *
 * How long a node may take is the client's to say, which is told what is waited
 * for and closes its end when that is too long: a node under load is slow, and
 * one that cannot says so.
 *
 * @module
 */
import { messageOf, toProblem, UsherError } from "../../error/mod.ts";
import type { Vm } from "../../schema/vm.ts";
import { ConsoleInput } from "./console_input.ts";
import type { ConsoleRight } from "./console_right.ts";
import type { CtrlContext } from "../context.ts";
import type { NodeLinks } from "../nodes/node_links.ts";
import { driverOf } from "../operations/steps.ts";

/** What a client that reads too slowly may be behind, in bytes. */
const MAX_BEHIND_BYTES = 8 * 1024 * 1024;

interface Waiting {
  readonly node: string;
  readonly resolve: (stream: NodeStream) => void;
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
    node: string,
    id: string,
    body: ReadableStream<Uint8Array>,
  ): ReadableStream<Uint8Array> {
    const waiting = this.#waiting.get(id);
    if (waiting?.node !== node) {
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

  /** Serves a client's socket until either end closes it or its user's right is over. */
  async serve(
    socket: WebSocket,
    vm: Vm,
    historyBytes: number,
    { over }: Pick<ConsoleRight, "over">,
  ): Promise<void> {
    const closed = new AbortController();
    const leave = () => {
      if (closed.signal.aborted) return;
      send(socket, { type: "closed", reason: String(over.reason) });
      closed.abort();
    };
    over.addEventListener("abort", leave, { once: true });
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
      if (over.aborted) leave();
      const say = (message: unknown) => send(socket, message);
      const stream = await this.#ask(vm, historyBytes, say, closed.signal);
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

  async #ask(
    vm: Vm,
    historyBytes: number,
    say: (message: unknown) => void,
    signal: AbortSignal,
  ): Promise<NodeStream> {
    signal.throwIfAborted();
    const link = this.#links.get(vm.node ?? "");
    if (link === undefined || !link.ready || link.session === null) {
      throw new UsherError(
        "unavailable",
        `Node ${vm.node} of VM "${vm.name}" is out of reach`,
        { subject: vm.name },
      );
    }
    const { session } = link;
    const id = this.#context.newId();
    const arrived = Promise.withResolvers<NodeStream>();
    this.#waiting.set(id, { node: link.name, resolve: arrived.resolve });
    using _failure = link.onFailure(id, arrived.reject);
    // A session that goes on after a cut does not go on with this.
    const cut = () => arrived.reject(lostNode(link.name, vm));
    const left = () => arrived.reject(signal.reason);
    session.ended.addEventListener("abort", cut, { once: true });
    signal.addEventListener("abort", left, { once: true });
    try {
      say({ type: "waiting", for: `node ${link.name} to open it` });
      session.sendReliable({
        type: "console",
        id,
        driver: driverOf(vm),
        uid: vm.uid,
        historyBytes,
      });
      return await arrived.promise;
    } finally {
      this.#waiting.delete(id);
      session.ended.removeEventListener("abort", cut);
      signal.removeEventListener("abort", left);
    }
  }
}

function lostNode(node: string, vm: Vm): UsherError {
  return new UsherError(
    "interrupted",
    `Lost node ${node} while it opened the console of "${vm.name}"`,
    { subject: vm.name, hint: "open it again; the VM goes on" },
  );
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
