/**
 * Accounts and sessions: who may call, as records of the controller.
 *
 * A session's token is shown once and kept as its SHA-256 only, so that a
 * stolen database opens no session. Everything that decides about a password
 * goes through `authenticate`.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { UsherError } from "../../error/mod.ts";
import { Account, type Role, SessionRecord } from "../../schema/stored.ts";
import { keys } from "../../store/key.ts";
import type { Store } from "../../store/store.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { PluginCaller } from "../plugin_caller.ts";
import { Attempts } from "./attempts.ts";
import { hashPassword, needsRehash, verifyPassword } from "./password.ts";

/** Not a name that an account can have. */
const LOCAL_ADMIN = "(local administrator)";

/** Who a request comes from. */
export interface Caller {
  readonly user: string;
  readonly role: Role;
  readonly expiresAt: string;
  readonly session: string;
  /** Groups that a directory puts the user in. */
  readonly groups?: readonly string[];
  /** The plugin that asks; absent when a client does. */
  readonly plugin?: PluginCaller;
}

/** The accounts and sessions of the site. */
export class Accounts {
  readonly #context: CtrlContext;
  readonly #store: Store;
  readonly #newSecret: () => string;
  readonly #accounts = new Map<string, Account>();
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #attempts = new Attempts();

  private constructor(
    context: CtrlContext,
    store: Store,
    newSecret: () => string,
  ) {
    this.#context = context;
    this.#store = store;
    this.#newSecret = newSecret;
  }

  /** Reads accounts and sessions. */
  static async load(
    context: CtrlContext,
    store: Store,
    newSecret: () => string,
  ): Promise<Accounts> {
    const accounts = new Accounts(context, store, newSecret);
    for await (const { value } of store.list(keys.accounts())) {
      const account = Account.parse(value);
      accounts.#accounts.set(account.name, account);
    }
    for await (const { value } of store.list(keys.sessions())) {
      const session = SessionRecord.parse(value);
      accounts.#sessions.set(session.hash, session);
    }
    return accounts;
  }

  get isEmpty(): boolean {
    return this.#accounts.size === 0;
  }

  /** Makes an account. Throws `already_exists`. */
  async create(name: string, role: Role, password: string): Promise<void> {
    if (this.#accounts.has(name)) {
      throw new UsherError(
        "already_exists",
        `Account "${name}" exists already`,
      );
    }
    const account: Account = {
      v: 1,
      name,
      role,
      passwordHash: await hashPassword(password),
      createdAt: isoNow(this.#context),
    };
    await this.#store.commit([{
      type: "set",
      key: keys.account(name),
      value: account,
    }]);
    this.#accounts.set(name, account);
  }

  /**
   * Checks a password and opens a session; returns its token. Throws
   * `unauthenticated`, after the same work whatever was wrong, and
   * `too_many_requests` after repeated failures.
   */
  async login(
    user: string,
    password: string,
    address: string,
    ttlMs: number,
  ): Promise<{ token: string; caller: Caller }> {
    const now = this.#context.clock.now();
    const wait = this.#attempts.waitMs(user, address, now);
    if (wait > 0) {
      throw new UsherError(
        "too_many_requests",
        "Too many failed logins from this address",
        {
          hint: `try again in ${Math.ceil(wait / 1000)} s`,
        },
      );
    }
    // Counted before it is checked, so that guesses side by side count too.
    this.#attempts.failed(user, address, now);
    if (await this.check(user, password) === null) {
      throw new UsherError("unauthenticated", "User name or password is wrong");
    }
    this.#attempts.succeeded(user, address);
    return await this.openSession(user, ttlMs);
  }

  /** The account's role when this is its password, null otherwise; the same work either way. */
  async check(user: string, password: string): Promise<Role | null> {
    const account = this.#accounts.get(user);
    const valid = await verifyPassword(password, account?.passwordHash ?? null);
    if (!valid || account === undefined) return null;
    if (needsRehash(account.passwordHash)) {
      await this.#rehash(account, password);
    }
    return account.role;
  }

  /** Keeps the password with the work that a new one would get. */
  async #rehash(account: Account, password: string): Promise<void> {
    const value = { ...account, passwordHash: await hashPassword(password) };
    const key = keys.account(account.name);
    await this.#store.commit([{ type: "set", key, value }]);
    this.#accounts.set(account.name, value);
  }

  /** Opens a session for an account without asking for its password. */
  async openSession(
    user: string,
    ttlMs: number,
  ): Promise<{ token: string; caller: Caller }> {
    const account = this.#accounts.get(user);
    if (account === undefined) {
      throw new UsherError("not_found", `There is no account "${user}"`);
    }
    const token = this.#newSecret();
    const now = this.#context.clock.now();
    const session: SessionRecord = {
      v: 1,
      hash: hashToken(token),
      user,
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(now + ttlMs).toISOString(),
    };
    await this.#store.commit([{
      type: "set",
      key: keys.session(session.hash),
      value: session,
    }]);
    this.#sessions.set(session.hash, session);
    return { token, caller: callerOf(account, session) };
  }

  /** A session of an administrator that ends with this process and is not stored. */
  openLocalSession(): string {
    const token = this.#newSecret();
    const hash = hashToken(token);
    const createdAt = isoNow(this.#context);
    this.#sessions.set(hash, {
      v: 1,
      hash,
      user: LOCAL_ADMIN,
      createdAt,
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
    const account = session === undefined
      ? undefined
      : this.#accountOf(session.user);
    if (
      session === undefined || account === undefined ||
      session.expiresAt <= isoNow(this.#context)
    ) {
      throw new UsherError(
        "unauthenticated",
        "This session has ended or never was",
        {
          hint: 'log in again with "usher login"',
        },
      );
    }
    return callerOf(account, session);
  }

  /** Whether the session that a stream was opened with has not ended since. */
  isLive({ session }: Caller): boolean {
    const known = this.#sessions.get(session);
    return known !== undefined && known.expiresAt > isoNow(this.#context);
  }

  /** Whether the caller has shown that the state directory is theirs. */
  isOwner({ session }: Caller): boolean {
    return this.#sessions.get(session)?.user === LOCAL_ADMIN;
  }

  #accountOf(user: string): Account | undefined {
    if (user !== LOCAL_ADMIN) return this.#accounts.get(user);
    return {
      v: 1,
      name: "admin",
      role: "admin",
      passwordHash: "",
      createdAt: "",
    };
  }

  /** Ends a session. */
  async logout(caller: Caller): Promise<void> {
    await this.#store.commit([{
      type: "delete",
      key: keys.session(caller.session),
    }]);
    this.#sessions.delete(caller.session);
  }

  /** Removes sessions that are over; returns how many. */
  async sweep(): Promise<number> {
    const now = isoNow(this.#context);
    const over = [...this.#sessions.values()].filter((session) =>
      session.expiresAt <= now
    );
    if (over.length === 0) return 0;
    await this.#store.commit(
      over.map((
        { hash },
      ) => ({ type: "delete", key: keys.session(hash) } as const)),
    );
    for (const { hash } of over) this.#sessions.delete(hash);
    return over.length;
  }
}

function callerOf(account: Account, session: SessionRecord): Caller {
  return {
    user: account.name,
    role: account.role,
    expiresAt: session.expiresAt,
    session: session.hash,
  };
}

/** The SHA-256 of a secret, hex. */
export function hashToken(token: string): string {
  // Not WebCrypto's, which hands each digest to another thread: twenty times
  // as long, and every request needs one.
  return createHash("sha256").update(token).digest("hex");
}
