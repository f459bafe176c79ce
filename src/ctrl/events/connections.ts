/**
 * Clients that are connected: a session from its first request until it ends,
 * or 60 s after its last request or stream.
 *
 * While a plugin is told of its end, a connection has a record, so that the
 * end is told also when it is the controller that ended.
 *
 * @module
 */
import { messageOf } from "../../error/mod.ts";
import type { Events } from "../../plugin/events.ts";
import { ClientValue } from "../../schema/event_value.ts";
import { keys } from "../../store/key.ts";
import type { Mutation, Store } from "../../store/store.ts";
import type { Caller } from "../auth/caller.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { News } from "./news_item.ts";
import type { Outbox } from "./outbox.ts";

/** How long after its last request or stream a client is still connected. */
export const QUIET_MS = 60_000;

/** What connections work with. */
export interface ConnectionParts {
  readonly context: CtrlContext;
  readonly store: Pick<Store, "list">;
  readonly events: Pick<Events, "isRegistered">;
  readonly outbox: Pick<Outbox, "post">;
}

interface Connection {
  readonly client: ClientValue;
  readonly isKept: boolean;
  /** Requests and streams that are under way. */
  open: number;
  /** When the last one ended, by the monotonic clock. */
  quietSince: number;
  timer: Disposable | null;
}

/** The clients that are connected, by session. */
export class Connections {
  readonly #parts: ConnectionParts;
  readonly #connections = new Map<string, Connection>();
  /** Of an earlier controller, with which they ended. */
  #left: ClientValue[] = [];
  #isClosed = false;

  private constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  /** Reads who was connected to an earlier controller. */
  static async load(parts: ConnectionParts): Promise<Connections> {
    const connections = new Connections(parts);
    for await (const { value } of parts.store.list(keys.connections())) {
      connections.#left.push(ClientValue.parse(value));
    }
    return connections;
  }

  /** Tells that those who were connected to an earlier controller are not. */
  begin(): void {
    for (const client of this.#left) this.#tellEnd(client, true);
    this.#left = [];
  }

  /** How many clients are connected. */
  get size(): number {
    return this.#connections.size;
  }

  /** Whether the client of a session is connected. */
  has(session: string): boolean {
    return this.#connections.has(session);
  }

  /** A request or stream of a session is under way until the result is disposed of. */
  enter(caller: Caller, address = ""): Disposable {
    const { session } = caller;
    const connection = this.#connections.get(session) ??
      this.#connect(caller, address);
    connection.open++;
    let isOver = false;
    return {
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        connection.open--;
        this.#quiet(session, connection);
      },
    };
  }

  /** A session is over: at logout, or since it expired. */
  ended(session: string): void {
    const connection = this.#connections.get(session);
    if (connection === undefined) return;
    connection.timer?.[Symbol.dispose]();
    this.#connections.delete(session);
    this.#tellEnd(connection.client, connection.isKept);
  }

  /** Watches no more, since the controller ends; the next one tells of the ends. */
  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#connections.values()) {
      timer?.[Symbol.dispose]();
    }
  }

  #connect(
    { session, user, role, groups = [] }: Caller,
    address: string,
  ): Connection {
    const { context, events } = this.#parts;
    const client: ClientValue = {
      id: context.newId(),
      user,
      role,
      groups: [...groups],
      address,
      since: isoNow(context),
    };
    const isKept = events.isRegistered("client_disconnect");
    const connection = { client, isKept, open: 0, quietSince: 0, timer: null };
    this.#connections.set(session, connection);
    const key = keys.connection(client.id);
    this.#post(
      newsOf("client_connect", client),
      isKept ? [{ type: "set", key, value: client }] : [],
    );
    return connection;
  }

  #quiet(session: string, connection: Connection): void {
    const { clock } = this.#parts.context;
    if (connection.open > 0 || this.#isClosed) return;
    // A stream that ends with its session, or after it, has nobody to watch.
    if (this.#connections.get(session) !== connection) return;
    connection.quietSince = clock.monotonic();
    // One timer for many requests: it looks again when it is over.
    connection.timer ??= clock.after(
      QUIET_MS,
      () => this.#look(session, connection),
    );
  }

  #look(session: string, connection: Connection): void {
    connection.timer = null;
    if (this.#connections.get(session) !== connection) return;
    if (connection.open > 0) return;
    const { clock } = this.#parts.context;
    const leftMs = connection.quietSince + QUIET_MS - clock.monotonic();
    if (leftMs <= 0) return this.ended(session);
    connection.timer = clock.after(
      leftMs,
      () => this.#look(session, connection),
    );
  }

  #tellEnd(client: ClientValue, isKept: boolean): void {
    const key = keys.connection(client.id);
    this.#post(
      newsOf("client_disconnect", client),
      isKept ? [{ type: "delete", key }] : [],
    );
  }

  /** Nobody waits for it: what a client asks is not held up by who hears of it. */
  #post(news: News, more: readonly Mutation[]): void {
    this.#parts.outbox.post([news], more).catch((error) => {
      this.#parts.context.log.warn("plugins could not be told of a client", {
        event: news.event,
        error: messageOf(error),
      });
    });
  }
}

function newsOf(
  event: "client_connect" | "client_disconnect",
  client: ClientValue,
): News {
  const { id } = client;
  return {
    event,
    args: [client],
    lane: `client ${id}`,
    decision: `${event}/${id}`,
  };
}
