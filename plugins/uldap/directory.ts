/**
 * The directory: who somebody is there, whether a password is theirs, and
 * which groups they are in.
 *
 * An answer is believed where it is unambiguous. Referrals are not followed: a
 * server that this one names has not been configured, and is sent no password.
 *
 * @module
 */
import {
  type Client,
  InvalidCredentialsError,
  NoSuchObjectError,
} from "ldapts";
import { type ServerOptions, withClient } from "./connection.ts";
import { filled, inDn, inFilter } from "./escape.ts";
import { groupsOf, type Whose } from "./groups.ts";
import type { Options } from "./options.ts";

/** Who logged in, as the directory knows them. */
export interface Person {
  readonly dn: string;
  readonly groups: readonly string[];
  /** Whether groups that lie deeper than is allowed were left out. */
  readonly isCutOff: boolean;
}

/** How many entries one search may bring. */
const MAX_ENTRIES = 1000;

/** A directory, as somebody may ask it. */
export class Directory {
  readonly #server: ServerOptions;
  readonly #options: Options;
  /** The password of `bind_dn`; null when there is none. */
  readonly #password: string | null;

  constructor(
    server: ServerOptions,
    options: Options,
    password: string | null,
  ) {
    this.#server = server;
    this.#options = options;
    this.#password = password;
  }

  /**
   * Who this is, if the password is theirs; null otherwise. Throws when the
   * directory cannot tell.
   */
  check(
    user: string,
    password: string,
    signal: AbortSignal,
  ): Promise<Person | null> {
    // A name with an empty password is no proof (RFC 4513, 5.1.2): servers
    // answer "success" and let in nobody.
    if (user === "" || password === "") return Promise.resolve(null);
    return withClient(this.#server, signal, async (client) => {
      const dn = await this.#dnOf(user, client);
      if (dn === null) return null;
      if (!await binds(client, dn, password)) return null;
      return { dn, ...await this.#groupsOf({ user, dn }, client) };
    });
  }

  /** The name of somebody's entry; null when there is none. */
  async find(user: string, client: Client): Promise<string | null> {
    const dn = await this.#dnOf(user, client);
    return dn !== null && await exists(client, dn) ? dn : null;
  }

  /** Does something as `bind_dn`. */
  asService<T>(
    signal: AbortSignal,
    use: (client: Client) => Promise<T>,
  ): Promise<T> {
    return withClient(this.#server, signal, async (client) => {
      await this.#bindService(client);
      return await use(client);
    });
  }

  async #bindService(client: Client): Promise<void> {
    const { bind_dn } = this.#options;
    if (bind_dn === undefined || this.#password === null) return;
    if (!await binds(client, bind_dn, this.#password)) {
      throw new Error(`The directory refuses the password of "${bind_dn}"`);
    }
  }

  async #dnOf(user: string, client: Client): Promise<string | null> {
    const { user_dn, users } = this.#options;
    if (user_dn !== undefined) return filled(user_dn, { user }, inDn);
    if (users === undefined) return null;
    await this.#bindService(client);
    const { searchEntries: found } = await client.search(users.base, {
      scope: "sub",
      filter: filled(users.filter, { user }, inFilter),
      attributes: ["1.1"],
      sizeLimit: MAX_ENTRIES,
    });
    if (found.length > 1) {
      throw new Error(
        `The directory has ${found.length} entries for "${user}"`,
      );
    }
    return found[0]?.dn ?? null;
  }

  async #groupsOf(
    whose: Whose,
    client: Client,
  ): Promise<Pick<Person, "groups" | "isCutOff">> {
    const { groups } = this.#options;
    if (groups === undefined) return { groups: [], isCutOff: false };
    // Whoever may search the groups: the service, else the user.
    await this.#bindService(client);
    const { names, isCutOff } = await groupsOf(client, whose, groups);
    return { groups: names, isCutOff };
  }
}

/** Whether there is an entry of this name. */
export async function exists(client: Client, dn: string): Promise<boolean> {
  try {
    const { searchEntries } = await client.search(dn, {
      scope: "base",
      attributes: ["1.1"],
    });
    return searchEntries.length === 1;
  } catch (error) {
    if (error instanceof NoSuchObjectError) return false;
    throw error;
  }
}

async function binds(
  client: Client,
  dn: string,
  password: string,
): Promise<boolean> {
  try {
    await client.bind(dn, password);
    return true;
  } catch (error) {
    // What the server says of the password, or of a name that it has not.
    if (error instanceof InvalidCredentialsError) return false;
    if (error instanceof NoSuchObjectError) return false;
    throw error;
  }
}
