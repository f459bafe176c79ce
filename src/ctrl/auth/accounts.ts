/**
 * The one way in: accounts, sessions and API tokens together, and logins
 * through the chain that decides about them.
 *
 * An account is one source of truth about a password among others: `check` is
 * what a plugin asks. Whether anybody gets in, `Admission` says; a disabled
 * account stays out whatever it says.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { Credentials, Identity } from "../../schema/event_value.ts";
import type { Role } from "../../schema/stored.ts";
import type { Store } from "../../store/store.ts";
import type { CtrlContext } from "../context.ts";
import type { Admission } from "./admission.ts";
import { ApiTokens } from "./api_tokens.ts";
import { Attempts } from "./attempts.ts";
import type { Caller } from "./caller.ts";
import { type Life, Lives } from "./lives.ts";
import { verifyPassword } from "./password.ts";
import { hashToken, Sessions } from "./sessions.ts";
import { Users } from "./users.ts";

export { hashToken } from "./sessions.ts";

/**
 * Logins that are checked at a time. Work on passwords is slow on purpose: more
 * of them would outlast the deadline of the handler that asks for it, which then
 * counts as one that fails, and is not asked any more for anybody.
 */
const MAX_CHECKED = 32;

/**
 * How often it is looked whether something may go on. Not one timer to the end:
 * the clock that says when that is may be set.
 */
const LOOK_MS = 5_000;

/** What accounts work with. */
export interface AccountsParts {
  readonly context: CtrlContext;
  readonly store: Store;
  readonly newSecret: () => string;
  readonly admission: Admission;
}

/** A session that was opened, and the token that opens it. */
export interface Opened {
  readonly token: string;
  readonly caller: Caller;
}

/** The accounts, sessions and API tokens of the site. */
export class Accounts {
  readonly users: Users;
  readonly sessions: Sessions;
  readonly tokens: ApiTokens;
  readonly lives: Lives;
  readonly #parts: AccountsParts;
  readonly #attempts = new Attempts();
  #checked = 0;

  private constructor(
    parts: AccountsParts,
    read: Pick<Accounts, "users" | "sessions" | "tokens" | "lives">,
  ) {
    this.#parts = parts;
    this.users = read.users;
    this.sessions = read.sessions;
    this.tokens = read.tokens;
    this.lives = read.lives;
  }

  /** Reads accounts, sessions and tokens. */
  static async load(parts: AccountsParts): Promise<Accounts> {
    const lives = new Lives();
    const users = await Users.load(parts);
    const accountOf = (user: string) => users.find(user);
    const sessions = await Sessions.load({ ...parts, lives, accountOf });
    const tokens = await ApiTokens.load({ ...parts, lives, accountOf });
    users.endWith({ sessions, tokens });
    return new Accounts(parts, { users, sessions, tokens, lives });
  }

  get isEmpty(): boolean {
    return this.users.size === 0;
  }

  /** Makes an account. Throws `already_exists`. */
  async create(name: string, role: Role, password: string): Promise<void> {
    await this.users.create(name, role, password);
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
  ): Promise<Opened> {
    this.#countTry(user, address);
    const turn = this.users.turnOf(user);
    const known = await this.#admit({ user, password, address });
    this.#attempts.succeeded(user, address);
    const account = this.users.find(user);
    if (account?.isDisabled === true) {
      throw new UsherError("unauthenticated", `Account "${user}" is disabled`, {
        hint: "an administrator enables it: usher user enable",
      });
    }
    // Somebody without an account has the role that a handler gave, or a user's.
    const role = known.role ?? (account === undefined ? "user" : null);
    const opened = await this.sessions.open(
      user,
      { ...known, role, address },
      ttlMs,
    );
    if (this.users.turnOf(user) !== turn) {
      // It was let in by what was changed while it was checked.
      await this.sessions.end(opened);
      throw new UsherError(
        "unauthenticated",
        `Account "${user}" was changed while you logged in`,
        { hint: "log in again" },
      );
    }
    return { token: opened.token, caller: this.authenticate(opened.token) };
  }

  /**
   * Whether this is the user's own password, asked where one changes it: guesses
   * count like logins. Throws `unauthenticated` and `too_many_requests`.
   */
  async confirm(
    user: string,
    password: string,
    address: string,
  ): Promise<void> {
    this.#countTry(user, address);
    const account = this.users.get(user);
    if (!await verifyPassword(password, account.passwordHash)) {
      throw new UsherError(
        "permission_denied",
        `The old password of "${user}" is wrong`,
        {
          field: "oldPassword",
          hint: "an administrator can give you a new one",
        },
      );
    }
    this.#attempts.succeeded(user, address);
  }

  /** Counts a try as failed, or throws `too_many_requests`. */
  #countTry(user: string, address: string): void {
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
    const account = this.users.find(user);
    const valid = await verifyPassword(password, account?.passwordHash ?? null);
    if (!valid || account === undefined || account.isDisabled) return null;
    await this.users.rehash(user, account.passwordHash, password);
    return account.role;
  }

  /** Opens a session for an account without asking for its password. */
  async openSession(user: string, ttlMs: number): Promise<Opened> {
    this.users.get(user);
    const { token } = await this.sessions.open(
      user,
      { role: null, groups: [] },
      ttlMs,
    );
    return { token, caller: this.authenticate(token) };
  }

  /** A session of an administrator that ends with this process and is not stored. */
  openLocalSession(): string {
    return this.sessions.openLocal();
  }

  /** Who holds this token, a session's or an API token. Throws `unauthenticated`. */
  authenticate(token: string | null): Caller {
    if (token === null) {
      throw new UsherError("unauthenticated", "This needs a login", {
        hint: 'log in with "usher login URL"',
      });
    }
    const hash = hashToken(token);
    const caller = this.#callerOf(hash);
    if (caller === null) {
      throw new UsherError(
        "unauthenticated",
        "This session or token has ended or never was",
        { hint: 'log in again with "usher login"' },
      );
    }
    if (caller.scope !== undefined) this.tokens.used(hash);
    return caller;
  }

  #callerOf(hash: string): Caller | null {
    return this.sessions.callerOf(hash) ?? this.tokens.callerOf(hash);
  }

  /**
   * Something begins for a caller, and is to end with the session or token: at
   * once where somebody ends it, and within `LOOK_MS` where its time is over or
   * its role is another.
   */
  hold(caller: Caller): Life {
    const life = this.lives.hold(caller.session);
    const { clock } = this.#parts.context;
    let next: Disposable;
    const look = () => {
      if (life.signal.aborted) return;
      if (this.isLive(caller)) next = clock.after(LOOK_MS, look);
      else life.end();
    };
    next = clock.after(LOOK_MS, look);
    return {
      ...life,
      [Symbol.dispose]: () => {
        next[Symbol.dispose]();
        life[Symbol.dispose]();
      },
    };
  }

  /** Whether what a stream was opened with is good, and for the same role. */
  isLive({ session, role }: Caller): boolean {
    return this.#callerOf(session)?.role === role;
  }

  /** Whether the caller has shown that the state directory is theirs. */
  isOwner(caller: Caller): boolean {
    return this.sessions.isOwner(caller);
  }

  /** Ends a session. */
  async logout(caller: Caller): Promise<void> {
    await this.sessions.end(caller);
  }

  /** Removes sessions and tokens that are over; returns how many. */
  async sweep(): Promise<number> {
    return await this.sessions.sweep() + await this.tokens.sweep();
  }
}
