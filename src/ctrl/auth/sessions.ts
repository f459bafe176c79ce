/**
 * Sessions: who has logged in, as records of the controller.
 *
 * A session's token is shown once and kept as its SHA-256 only, so that a
 * stolen database opens no session. A session of somebody without an account
 * here, whom a directory let in, keeps what that said: the role and the groups
 * hold as long as the session.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { UsherError } from "../../error/mod.ts";
import type { Identity } from "../../schema/event_value.ts";
import { type Account, SessionRecord } from "../../schema/stored.ts";
import { keys } from "../../store/key.ts";
import type { Mutation, Store } from "../../store/store.ts";
import { isoTime } from "../../sys/clock.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { Caller } from "./caller.ts";
import type { Lives } from "./lives.ts";

/** Not a name that an account can have. */
const LOCAL_ADMIN = "(local administrator)";

/** The most that the names of a session's groups may take, as JSON. */
const MAX_GROUPS_BYTES = 32 * 1024;

/** What sessions and API tokens work with. */
export interface SessionParts {
  readonly context: CtrlContext;
  readonly store: Store;
  readonly newSecret: () => string;
  readonly lives: Lives;
  /** The account of a user; undefined where there is none. */
  readonly accountOf: (user: string) => Account | undefined;
}

/** What is to be written so that some end, and what is to be done once it is. */
export interface Ending {
  readonly mutations: readonly Mutation[];
  settle(): void;
}

/** The sessions of the site. */
export class Sessions {
  readonly #parts: SessionParts;
  readonly #sessions = new Map<string, SessionRecord>();

  private constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Reads sessions. */
  static async load(parts: SessionParts): Promise<Sessions> {
    const sessions = new Sessions(parts);
    for await (const { value } of parts.store.list(keys.sessions())) {
      const session = SessionRecord.parse(value);
      sessions.#sessions.set(session.hash, session);
    }
    return sessions;
  }

  /** Opens a session; returns its token. Nothing about the user is checked. */
  async open(
    user: string,
    { role, groups, address = "" }: Identity & { readonly address?: string },
    ttlMs: number,
  ): Promise<{ token: string; session: string }> {
    refuseManyGroups(user, groups);
    const { newSecret, context, store } = this.#parts;
    const token = newSecret();
    const now = context.clock.now();
    const session: SessionRecord = {
      v: 1,
      hash: hashToken(token),
      user,
      role,
      groups,
      address,
      createdAt: isoTime(now),
      expiresAt: isoTime(now + ttlMs),
    };
    await store.commit([{
      type: "set",
      key: keys.session(session.hash),
      value: session,
    }]);
    this.#sessions.set(session.hash, session);
    return { token, session: session.hash };
  }

  /** A session of an administrator that ends with this process and is not stored. */
  openLocal(): string {
    const token = this.#parts.newSecret();
    const hash = hashToken(token);
    this.#sessions.set(hash, {
      v: 1,
      hash,
      user: LOCAL_ADMIN,
      role: "admin",
      groups: [],
      address: "",
      createdAt: isoNow(this.#parts.context),
      expiresAt: "9999-12-31T23:59:59.999Z",
    });
    return token;
  }

  /** Who holds the token of this hash; null when no session that goes on has it. */
  callerOf(hash: string): Caller | null {
    const session = this.#sessions.get(hash);
    if (session === undefined || this.#isOver(session)) return null;
    const account = this.#parts.accountOf(session.user);
    const role = session.role ?? account?.role;
    if (role === undefined || account?.isDisabled === true) return null;
    return {
      user: session.user === LOCAL_ADMIN ? "admin" : session.user,
      role,
      expiresAt: session.expiresAt,
      session: session.hash,
      groups: session.groups,
    };
  }

  /** Whether the caller has shown that the state directory is theirs. */
  isOwner({ session }: Caller): boolean {
    return this.#sessions.get(session)?.user === LOCAL_ADMIN;
  }

  /** Sessions that go on, the newest last; without the one of this process. */
  *list(): Generator<SessionRecord> {
    for (const session of this.#sessions.values()) {
      if (session.user !== LOCAL_ADMIN && !this.#isOver(session)) yield session;
    }
  }

  /** Ends a session. */
  async end({ session }: Pick<Caller, "session">): Promise<void> {
    const key = keys.session(session);
    await this.#parts.store.commit([{ type: "delete", key }]);
    this.#forget(session);
  }

  /** How all sessions of `user` end, but that of the hash `except`. */
  endingOf(user: string, except = ""): Ending {
    const ended = [...this.#sessions.values()].filter((one) =>
      one.user === user && one.hash !== except
    );
    return {
      mutations: ended.map(({ hash }) => ({
        type: "delete",
        key: keys.session(hash),
      })),
      settle: () => {
        for (const { hash } of ended) this.#forget(hash);
      },
    };
  }

  /** What goes on for the sessions of `user` ends; they themselves do not. */
  cut(user: string): void {
    for (const session of this.#sessions.values()) {
      if (session.user === user) this.#parts.lives.end(session.hash);
    }
  }

  /** Removes sessions that are over; returns how many. */
  async sweep(): Promise<number> {
    const over = [...this.#sessions.values()].filter((one) =>
      this.#isOver(one)
    );
    if (over.length === 0) return 0;
    await this.#parts.store.commit(
      over.map(({ hash }) => ({ type: "delete", key: keys.session(hash) })),
    );
    for (const { hash } of over) this.#forget(hash);
    return over.length;
  }

  #forget(hash: string): void {
    this.#sessions.delete(hash);
    this.#parts.lives.end(hash);
  }

  #isOver({ expiresAt }: SessionRecord): boolean {
    return expiresAt <= isoNow(this.#parts.context);
  }
}

function refuseManyGroups(user: string, groups: readonly string[]): void {
  const bytes = new TextEncoder().encode(JSON.stringify(groups)).length;
  if (bytes <= MAX_GROUPS_BYTES) return;
  throw new UsherError(
    "invalid_input",
    `User "${user}" is in too many groups: their names have ${bytes} bytes, a session keeps ${MAX_GROUPS_BYTES}`,
    {
      subject: user,
      hint: "let the plugin that names them name fewer",
    },
  );
}

/** The SHA-256 of a secret, hex. */
export function hashToken(token: string): string {
  // Not WebCrypto's, which hands each digest to another thread: twenty times
  // as long, and every request needs one.
  return createHash("sha256").update(token).digest("hex");
}
