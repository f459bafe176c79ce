/**
 * API tokens: what programs call with in the name of an account, within a
 * scope, until they expire or are revoked.
 *
 * A token is shown once and kept as its SHA-256. Its owner's role and whether
 * the account is enabled are looked up at every call, so it never has more than
 * its owner has at that moment. Only accounts own tokens: what a directory says
 * of somebody is known at a login alone.
 *
 * @module
 */
import { hasVerb, reachOf } from "../../core/token_scope.ts";
import { messageOf, UsherError } from "../../error/mod.ts";
import { ApiTokenRecord } from "../../schema/stored.ts";
import type { TokenScope } from "../../schema/token_scope.ts";
import { keys } from "../../store/key.ts";
import { isoTime } from "../../sys/clock.ts";
import { isoNow } from "../context.ts";
import type { Caller, CallerScope } from "./caller.ts";
import { type Ending, hashToken, type SessionParts } from "./sessions.ts";

/** What every token begins with, so that people and scanners know one when they see it. */
const PREFIX = "usher_";

/** The last use is written at most so often. */
const NOTE_MS = 60_000;

/** The most tokens that one account may have. */
const LIMIT = 100;

/** What a new token is to be. */
export interface NewToken {
  readonly user: string;
  readonly name: string;
  readonly scope: TokenScope;
  /** For ever when null. */
  readonly ttlMs: number | null;
}

interface Known {
  record: ApiTokenRecord;
  readonly scope: CallerScope;
  notedAt: number;
  /** Its end is being written: what were written after that would bring it back. */
  isEnding: boolean;
}

/** The API tokens of the site. */
export class ApiTokens {
  readonly #parts: SessionParts;
  readonly #tokens = new Map<string, Known>();

  private constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Reads tokens. */
  static async load(parts: SessionParts): Promise<ApiTokens> {
    const tokens = new ApiTokens(parts);
    for await (const { value } of parts.store.list(keys.apiTokens())) {
      tokens.#know(ApiTokenRecord.parse(value));
    }
    return tokens;
  }

  /** Makes a token; the only time that it is told. Throws `not_found`, `already_exists` and `insufficient_resources`. */
  async create(
    { user, name, scope, ttlMs }: NewToken,
  ): Promise<{ token: string; record: ApiTokenRecord }> {
    const { context, newSecret, store } = this.#parts;
    this.#checkNew(user, name);
    const token = `${PREFIX}${newSecret()}`;
    const now = context.clock.now();
    const record: ApiTokenRecord = {
      v: 1,
      id: context.newId(),
      hash: hashToken(token),
      user,
      name,
      scope,
      createdAt: isoTime(now),
      expiresAt: ttlMs === null ? null : isoTime(now + ttlMs),
      lastUsedAt: null,
    };
    // Known before it is durable, so that of two alike only one is made; nobody
    // has its secret yet.
    this.#know(record);
    try {
      const key = keys.apiToken(record.id);
      await store.commit([{ type: "set", key, value: record }]);
    } catch (error) {
      this.#tokens.delete(record.hash);
      throw error;
    }
    // The account may have gone while this was written.
    if (this.#parts.accountOf(user) === undefined) {
      await this.revoke(record);
      throw noAccount(user);
    }
    return { token, record };
  }

  #checkNew(user: string, name: string): void {
    if (this.#parts.accountOf(user) === undefined) throw noAccount(user);
    const own = [...this.list()].filter((one) => one.user === user);
    if (own.some((one) => one.name === name)) {
      throw new UsherError(
        "already_exists",
        `Account "${user}" has a token "${name}" already`,
        {
          subject: name,
          hint:
            `take another name, or revoke that one: usher token revoke ${name}`,
        },
      );
    }
    if (own.length < LIMIT) return;
    throw new UsherError(
      "insufficient_resources",
      `Account "${user}" has ${own.length} tokens, and may have ${LIMIT}`,
      { subject: user, hint: "revoke those that are not used any more" },
    );
  }

  /** Who holds the token of this hash; null when none that is good has it. */
  callerOf(hash: string): Caller | null {
    const known = this.#tokens.get(hash);
    if (known === undefined || this.#isOver(known.record)) return null;
    const { record: { user, expiresAt }, scope } = known;
    const account = this.#parts.accountOf(user);
    if (account === undefined || account.isDisabled) return null;
    return {
      user,
      role: account.role,
      expiresAt: expiresAt ?? "9999-12-31T23:59:59.999Z",
      session: hash,
      scope,
    };
  }

  /** The token of this hash was used; written now and then, and never waited for. */
  used(hash: string): void {
    const known = this.#tokens.get(hash);
    const { context: { clock, log }, store } = this.#parts;
    const now = clock.now();
    if (known === undefined || known.isEnding) return;
    if (Math.abs(now - known.notedAt) < NOTE_MS) return;
    known.notedAt = now;
    known.record = { ...known.record, lastUsedAt: isoTime(now) };
    const { record } = known;
    const key = keys.apiToken(record.id);
    // Commits are made in the order they are asked for: a revocation that comes
    // after this stays one.
    store.commit([{ type: "set", key, value: record }]).catch((error) =>
      log.warn("the last use of a token could not be noted", {
        token: record.id,
        error: messageOf(error),
      })
    );
  }

  /** Tokens that are good, or would be if their account were enabled; the newest last. */
  *list(): Generator<ApiTokenRecord> {
    for (const { record } of this.#tokens.values()) {
      if (!this.#isOver(record)) yield record;
    }
  }

  /** Ends a token, and what goes on with it. */
  async revoke({ id, hash }: ApiTokenRecord): Promise<void> {
    const key = keys.apiToken(id);
    // Good no more from this moment, whatever the disk does.
    this.#tokens.delete(hash);
    this.#parts.lives.end(hash);
    await this.#parts.store.commit([{ type: "delete", key }]);
  }

  /** How all tokens of `user` end. */
  endingOf(user: string): Ending {
    const known = [...this.#tokens.values()].filter(({ record }) =>
      record.user === user
    );
    for (const one of known) one.isEnding = true;
    const ended = known.map(({ record }) => record);
    return {
      mutations: ended.map(({ id }) => ({
        type: "delete",
        key: keys.apiToken(id),
      })),
      settle: () => {
        for (const { hash } of ended) {
          this.#tokens.delete(hash);
          this.#parts.lives.end(hash);
        }
      },
    };
  }

  /** What goes on with the tokens of `user` ends; they themselves do not. */
  cut(user: string): void {
    for (const { record } of this.#tokens.values()) {
      if (record.user === user) this.#parts.lives.end(record.hash);
    }
  }

  /** Removes tokens that have expired; returns how many. */
  async sweep(): Promise<number> {
    const over = [...this.#tokens.values()].map(({ record }) => record)
      .filter((one) => this.#isOver(one));
    for (const record of over) await this.revoke(record);
    return over.length;
  }

  #know(record: ApiTokenRecord): void {
    const { scope, id, name } = record;
    const notedAt = record.lastUsedAt === null
      ? -Infinity
      : Date.parse(record.lastUsedAt);
    this.#tokens.set(record.hash, {
      record,
      notedAt,
      isEnding: false,
      scope: {
        ...scope,
        token: id,
        tokenName: name,
        reaches: reachOf(scope),
        has: (verb) => hasVerb(scope, verb),
      },
    });
  }

  #isOver({ expiresAt }: ApiTokenRecord): boolean {
    return expiresAt !== null && expiresAt <= isoNow(this.#parts.context);
  }
}

function noAccount(user: string): UsherError {
  return new UsherError(
    "not_found",
    `There is no account "${user}" that could own a token`,
    {
      subject: user,
      hint:
        "who comes from a directory has none; an administrator makes one: usher user create NAME",
    },
  );
}
