/**
 * The session of a client: a token, and how to get another when it has ended.
 *
 * However many calls find at once that it has ended, one login follows, and
 * all of them go on with its token. A password is kept only where it was given
 * as one; a function is asked anew each time.
 *
 * @module
 */
import type { LoginAnswer } from "../../schema/route.ts";

/** A secret, or where to get it when it is needed. */
export type Secret = string | (() => string | Promise<string>);

/** As whom to connect. */
export type Credentials =
  | {
    /** A session's token or an API token; a function gives another one when it is refused. */
    readonly token: Secret;
    readonly user?: undefined;
    readonly password?: undefined;
  }
  | {
    readonly user: string;
    readonly password: Secret;
    readonly token?: undefined;
  };

/** Exchanges a password for a session. */
export type Exchange = (
  body: { readonly user: string; readonly password: string },
  signal?: AbortSignal,
) => Promise<LoginAnswer>;

/** A session that is renewed when it has ended, where that can be done. */
export class Session {
  readonly #credentials: Credentials;
  readonly #exchange: Exchange;
  #token: string | undefined;
  #renewing: Promise<void> | null = null;

  constructor(credentials: Credentials, exchange: Exchange) {
    this.#credentials = credentials;
    this.#exchange = exchange;
  }

  /** The token that counts now; undefined before `open()`. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Whether it is this client's own, to be ended with it. */
  get isOwn(): boolean {
    return this.#credentials.token === undefined;
  }

  /** Whether another can be had when it has ended. */
  get renews(): boolean {
    return typeof this.#credentials.token !== "string";
  }

  /** Gets the first token. */
  async open(signal?: AbortSignal): Promise<void> {
    this.#token = await this.#get(signal);
  }

  /** Gets another in place of `refused`, once for all who ask meanwhile; `signal` ends the wait alone. */
  async renew(
    refused: string | undefined,
    signal?: AbortSignal,
  ): Promise<boolean> {
    if (!this.renews) return false;
    if (this.#token !== refused) return true;
    // Without the signal of who asked first: others wait for it, too.
    this.#renewing ??= this.open().finally(() => this.#renewing = null);
    await unless(signal, this.#renewing);
    return this.#token !== refused;
  }

  async #get(signal?: AbortSignal): Promise<string> {
    const { token, user, password } = this.#credentials;
    if (token !== undefined) return await reveal(token);
    const body = { user, password: await reveal(password) };
    return (await this.#exchange(body, signal)).token;
  }
}

/** What `promise` comes to, unless `signal` aborts before, which throws its reason. */
async function unless<T>(
  signal: AbortSignal | undefined,
  promise: Promise<T>,
): Promise<T> {
  if (signal === undefined) return await promise;
  let stop = () => {};
  const given = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
  });
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, given]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function reveal(secret: Secret): Promise<string> {
  return typeof secret === "function" ? await secret() : secret;
}
