/**
 * Accounts as records: made, changed and removed one at a time, each change
 * with the sessions and tokens that end with it in one commit.
 *
 * There is always an administrator who can get in: what would take the last one
 * away is refused.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import { didYouMean } from "../../schema/nearest.ts";
import { Account, type Role } from "../../schema/stored.ts";
import { keys } from "../../store/key.ts";
import type { Mutation, Store } from "../../store/store.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { ApiTokens } from "./api_tokens.ts";
import { hashPassword, needsRehash } from "./password.ts";
import type { Ending, Sessions } from "./sessions.ts";

/** What accounts are kept with. */
export interface UserParts {
  readonly context: CtrlContext;
  readonly store: Store;
}

/** What ends with a change of an account. */
interface Credentials {
  readonly sessions: Sessions;
  readonly tokens: ApiTokens;
}

/** The accounts of the site. */
export class Users {
  readonly #parts: UserParts;
  readonly #accounts = new Map<string, Account>();
  /** Rises whenever what lets a user in is good no more. */
  readonly #turns = new Map<string, number>();
  #credentials: Credentials | null = null;
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(parts: UserParts) {
    this.#parts = parts;
  }

  /** Reads accounts. */
  static async load(parts: UserParts): Promise<Users> {
    const users = new Users(parts);
    for await (const { value } of parts.store.list(keys.accounts())) {
      const account = Account.parse(value);
      users.#accounts.set(account.name, account);
    }
    return users;
  }

  /** What of accounts ends when they do, once that is loaded. */
  endWith(credentials: Credentials): void {
    this.#credentials = credentials;
  }

  get size(): number {
    return this.#accounts.size;
  }

  find(name: string): Account | undefined {
    return this.#accounts.get(name);
  }

  /** The account of this name. Throws `not_found`. */
  get(name: string): Account {
    const account = this.#accounts.get(name);
    if (account !== undefined) return account;
    const meant = didYouMean(name, this.#accounts.keys());
    throw new UsherError("not_found", `There is no account "${name}"`, {
      subject: name,
      hint: meant || 'see what there is with "usher user list"',
    });
  }

  /** All accounts, by name. */
  list(): Account[] {
    return [...this.#accounts.values()].toSorted((a, b) =>
      a.name < b.name ? -1 : 1
    );
  }

  /** A number that is another once what let the user in so far does not any more. */
  turnOf(name: string): number {
    return this.#turns.get(name) ?? 0;
  }

  /** Makes an account. Throws `already_exists`. */
  async create(name: string, role: Role, password: string): Promise<Account> {
    this.#refuseKnown(name);
    const passwordHash = await hashPassword(password);
    return await this.#inTurn(async () => {
      this.#refuseKnown(name);
      const createdAt = isoNow(this.#parts.context);
      const account = { name, role, passwordHash, createdAt };
      return await this.#write({ v: 1, ...account, isDisabled: false });
    });
  }

  #refuseKnown(name: string): void {
    if (!this.#accounts.has(name)) return;
    throw new UsherError(
      "already_exists",
      `Account "${name}" exists already`,
      { subject: name },
    );
  }

  /** Gives an account a role; its streams end, since they were begun with another. Throws `not_found` and `wrong_state`. */
  async setRole(name: string, role: Role): Promise<Account> {
    return await this.#inTurn(async () => {
      const account = this.get(name);
      if (account.role === role) return account;
      if (role !== "admin") this.#keepAdmin(account, "cannot become a " + role);
      const changed = await this.#write({ ...account, role });
      this.#credentials?.sessions.cut(name);
      this.#credentials?.tokens.cut(name);
      return changed;
    });
  }

  /** Gives an account a password; its sessions end, but that of the hash `except`. Throws `not_found`. */
  async setPassword(
    name: string,
    password: string,
    except?: string,
  ): Promise<Account> {
    this.get(name);
    const passwordHash = await hashPassword(password);
    return await this.#inTurn(async () => {
      const account = this.get(name);
      this.#turn(name);
      const ending = this.#credentials?.sessions.endingOf(name, except);
      return await this.#write({ ...account, passwordHash }, ending);
    });
  }

  /** Lets nobody in by an account, or again; its sessions end. Throws `not_found` and `wrong_state`. */
  async setDisabled(name: string, isDisabled: boolean): Promise<Account> {
    return await this.#inTurn(async () => {
      const account = this.get(name);
      if (account.isDisabled === isDisabled) return account;
      if (!isDisabled) return await this.#write({ ...account, isDisabled });
      this.#keepAdmin(account, "cannot be disabled");
      this.#turn(name);
      const ending = this.#credentials?.sessions.endingOf(name);
      const changed = await this.#write({ ...account, isDisabled }, ending);
      this.#credentials?.tokens.cut(name);
      return changed;
    });
  }

  /** Removes an account with its sessions and tokens, unless `check` throws. Throws `not_found` and `wrong_state`. */
  async remove(name: string, check: () => void): Promise<void> {
    await this.#inTurn(async () => {
      const account = this.get(name);
      this.#keepAdmin(account, "cannot be deleted");
      check();
      this.#turn(name);
      const endings = [
        this.#credentials?.sessions.endingOf(name),
        this.#credentials?.tokens.endingOf(name),
      ];
      const mutations: Mutation[] = endings.flatMap((one) =>
        one?.mutations ?? []
      );
      mutations.push({ type: "delete", key: keys.account(name) });
      await this.#parts.store.commit(mutations);
      this.#accounts.delete(name);
      for (const ending of endings) ending?.settle();
    });
  }

  /** Keeps a password that was right with the work that a new one would get. */
  async rehash(name: string, checked: string, password: string): Promise<void> {
    if (!needsRehash(checked)) return;
    const passwordHash = await hashPassword(password);
    await this.#inTurn(async () => {
      const account = this.#accounts.get(name);
      // It may have got another since.
      if (account?.passwordHash !== checked) return;
      await this.#write({ ...account, passwordHash });
    });
  }

  #keepAdmin({ name, role, isDisabled }: Account, what: string): void {
    if (role !== "admin" || isDisabled) return;
    const isOther = (one: Account) =>
      one.name !== name && one.role === "admin" && !one.isDisabled;
    if (this.list().some(isOther)) return;
    throw new UsherError(
      "wrong_state",
      `Account "${name}" ${what}: it is the last administrator that can log in`,
      {
        subject: name,
        hint: "make another one first: usher user set-role NAME admin",
      },
    );
  }

  #turn(name: string): void {
    this.#turns.set(name, this.turnOf(name) + 1);
  }

  async #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const mine = this.#changing.then(change);
    this.#changing = mine.catch(() => {});
    return await mine;
  }

  async #write(account: Account, ending?: Ending): Promise<Account> {
    const key = keys.account(account.name);
    await this.#parts.store.commit([
      { type: "set", key, value: account },
      ...ending?.mutations ?? [],
    ]);
    this.#accounts.set(account.name, account);
    ending?.settle();
    return account;
  }
}
