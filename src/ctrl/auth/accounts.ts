/**
 * Accounts, and the one way in: passwords and roles as records of the
 * controller, and logins through the chain that decides about them.
 *
 * An account is one source of truth about a password among others: `check` is
 * what a plugin asks. Whether anybody gets in, `Admission` says.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Credentials, Identity } from "../../schema/event_value.ts";
import { Account, type Role } from "../../schema/stored.ts";
import { keys } from "../../store/key.ts";
import type { Store } from "../../store/store.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { Admission } from "./admission.ts";
import { Attempts } from "./attempts.ts";
import { hashPassword, needsRehash, verifyPassword } from "./password.ts";
import { Sessions } from "./sessions.ts";
import type { Caller } from "./caller.ts";

export { hashToken } from "./sessions.ts";

/**
 * Logins that are checked at a time. Work on passwords is slow on purpose: more
 * of them would outlast the deadline of the handler that asks for it, which then
 * counts as one that fails, and is not asked any more for anybody.
 */
const MAX_CHECKED = 32;

/** What accounts work with. */
export interface AccountsParts {
  readonly context: CtrlContext;
  readonly store: Store;
  readonly newSecret: () => string;
  readonly admission: Admission;
}

/** The accounts and sessions of the site. */
export class Accounts {
  readonly sessions: Sessions;
  readonly #parts: AccountsParts;
  readonly #accounts: Map<string, Account>;
  readonly #attempts = new Attempts();
  #checked = 0;

  private constructor(
    parts: AccountsParts,
    accounts: Map<string, Account>,
    sessions: Sessions,
  ) {
    this.#parts = parts;
    this.#accounts = accounts;
    this.sessions = sessions;
  }

  /** Reads accounts and sessions. */
  static async load(parts: AccountsParts): Promise<Accounts> {
    const accounts = new Map<string, Account>();
    for await (const { value } of parts.store.list(keys.accounts())) {
      const account = Account.parse(value);
      accounts.set(account.name, account);
    }
    const roleOf = (user: string) => accounts.get(user)?.role;
    const sessions = await Sessions.load({ ...parts, roleOf });
    return new Accounts(parts, accounts, sessions);
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
    await this.#write({
      v: 1,
      name,
      role,
      passwordHash: await hashPassword(password),
      createdAt: isoNow(this.#parts.context),
    });
  }

  /**
   * Lets a user in whom the chain of `client_authenticate` lets in, and opens a
   * session. Throws `unauthenticated`, `plugin_failed` when the chain could not
   * decide, and `too_many_requests` after repeated failures.
   */
  async login(
    user: string,
    password: string,
    address: string,
    ttlMs: number,
  ): Promise<{ token: string; caller: Caller }> {
    const now = this.#parts.context.clock.now();
    const wait = this.#attempts.waitMs(user, address, now);
    if (wait > 0) {
      throw new UsherError(
        "too_many_requests",
        "Too many failed logins from this address",
        { hint: `try again in ${Math.ceil(wait / 1000)} s` },
      );
    }
    if (this.#checked >= MAX_CHECKED) {
      throw new UsherError("too_many_requests", "Too many logins at once", {
        hint: "try again in a moment",
      });
    }
    // Counted before it is checked, so that guesses side by side count too; one
    // that could not be checked stays counted, or a plugin that can be made to
    // fail would be a way to guess for nothing.
    this.#attempts.failed(user, address, now);
    const known = await this.#admit({ user, password, address });
    this.#attempts.succeeded(user, address);
    // Somebody without an account has the role that a handler gave, or a user's.
    const hasAccount = this.#accounts.has(user);
    const role = known.role ?? (hasAccount ? null : "user");
    return await this.sessions.open(user, { ...known, role }, ttlMs);
  }

  async #admit(credentials: Credentials): Promise<Identity> {
    this.#checked++;
    try {
      return await this.#parts.admission.client(credentials);
    } finally {
      this.#checked--;
    }
  }

  /**
   * The account's role when this is its password, null otherwise; the same
   * work either way.
   */
  async check(user: string, password: string): Promise<Role | null> {
    const account = this.#accounts.get(user);
    const valid = await verifyPassword(password, account?.passwordHash ?? null);
    if (!valid || account === undefined) return null;
    if (needsRehash(account.passwordHash)) {
      // With the work that a new password would get.
      const passwordHash = await hashPassword(password);
      await this.#write({ ...account, passwordHash });
    }
    return account.role;
  }

  /** Opens a session for an account without asking for its password. */
  async openSession(
    user: string,
    ttlMs: number,
  ): Promise<{ token: string; caller: Caller }> {
    if (!this.#accounts.has(user)) {
      throw new UsherError("not_found", `There is no account "${user}"`);
    }
    return await this.sessions.open(user, { role: null, groups: [] }, ttlMs);
  }

  /** A session of an administrator that ends with this process and is not stored. */
  openLocalSession(): string {
    return this.sessions.openLocal();
  }

  /** Who holds this token. Throws `unauthenticated`. */
  authenticate(token: string | null): Caller {
    return this.sessions.authenticate(token);
  }

  /** Whether the session that a stream was opened with has not ended since. */
  isLive(caller: Caller): boolean {
    return this.sessions.isLive(caller);
  }

  /** Whether the caller has shown that the state directory is theirs. */
  isOwner(caller: Caller): boolean {
    return this.sessions.isOwner(caller);
  }

  /** Ends a session. */
  async logout(caller: Caller): Promise<void> {
    await this.sessions.end(caller);
  }

  /** Removes sessions that are over; returns how many. */
  async sweep(): Promise<number> {
    return await this.sessions.sweep();
  }

  async #write(account: Account): Promise<void> {
    const key = keys.account(account.name);
    await this.#parts.store.commit([{ type: "set", key, value: account }]);
    this.#accounts.set(account.name, account);
  }
}
