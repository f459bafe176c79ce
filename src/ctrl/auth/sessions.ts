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
import { type Role, SessionRecord } from "../../schema/stored.ts";
import { keys } from "../../store/key.ts";
import type { Store } from "../../store/store.ts";
import { isoTime } from "../../sys/clock.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { Caller } from "./caller.ts";

/** Not a name that an account can have. */
const LOCAL_ADMIN = "(local administrator)";

/** The most that the names of a session's groups may take, as JSON. */
const MAX_GROUPS_BYTES = 32 * 1024;

/** What sessions work with. */
export interface SessionParts {
  readonly context: CtrlContext;
  readonly store: Store;
  readonly newSecret: () => string;
  /** The role of an account; undefined where there is none. */
  readonly roleOf: (user: string) => Role | undefined;
}

/** The sessions of the site. */
export class Sessions {
  readonly #parts: SessionParts;
  readonly #sessions = new Map<string, SessionRecord>();
  /** Told of each session that is over, by its hash. */
  onEnd: (session: string) => void = () => {};

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
    { role, groups }: Identity,
    ttlMs: number,
  ): Promise<{ token: string; caller: Caller }> {
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
      createdAt: isoTime(now),
      expiresAt: isoTime(now + ttlMs),
    };
    await store.commit([{
      type: "set",
      key: keys.session(session.hash),
      value: session,
    }]);
    this.#sessions.set(session.hash, session);
    return { token, caller: this.authenticate(token) };
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
      createdAt: isoNow(this.#parts.context),
      expiresAt: "9999-12-31T23:59:59.999Z",
    });
    return token;
  }

  /** Who holds this token. Throws `unauthenticated`. */
  authenticate(token: string | null): Caller {
    if (token === null) {
      throw new UsherError("unauthenticated", "This needs a login", {
        hint: 'log in with "usher login URL"',
      });
    }
    const session = this.#sessions.get(hashToken(token));
    const role = session?.role ?? this.#parts.roleOf(session?.user ?? "");
    if (session === undefined || role === undefined || this.#isOver(session)) {
      throw new UsherError(
        "unauthenticated",
        "This session has ended or never was",
        { hint: 'log in again with "usher login"' },
      );
    }
    return {
      user: session.user === LOCAL_ADMIN ? "admin" : session.user,
      role,
      expiresAt: session.expiresAt,
      session: session.hash,
      groups: session.groups,
    };
  }

  /** Whether the session that a stream was opened with has not ended since. */
  isLive({ session }: Caller): boolean {
    const known = this.#sessions.get(session);
    return known !== undefined && !this.#isOver(known);
  }

  /** Whether the caller has shown that the state directory is theirs. */
  isOwner({ session }: Caller): boolean {
    return this.#sessions.get(session)?.user === LOCAL_ADMIN;
  }

  /** Ends a session. */
  async end({ session }: Caller): Promise<void> {
    const key = keys.session(session);
    await this.#parts.store.commit([{ type: "delete", key }]);
    this.#forget(session);
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
    this.onEnd(hash);
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
