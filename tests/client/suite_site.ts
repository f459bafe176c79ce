/**
 * What the cases of the client library need of the site they share. It names
 * neither Deno nor Node, for they run under both, and reaches the site by its
 * address and by a few wishes to whoever runs it.
 *
 * @module
 */
import {
  type Client,
  connect,
  type ConnectOptions,
  isUsherError,
} from "@usher/client";

/** A site that the cases share. */
export interface SuiteSite {
  /** Where clients reach it, through something that can cut them off. */
  readonly url: string;
  readonly caPem: string;
  readonly caFingerprint: string;
  /** A CA that has nothing to do with it. */
  readonly otherCaPem: string;
  readonly user: string;
  readonly password: string;
  /** Where nothing listens. */
  readonly nowhere: string;
  /** Kills the controller, and starts it again. */
  crash(): Promise<void>;
  /** Cuts every connection of clients. */
  cut(): Promise<void>;
}

/** One promise. */
export type Case = (site: SuiteSite) => Promise<void>;

type Options = Partial<ConnectOptions>;

/** A client that is logged in, as `more` says. */
export function client(site: SuiteSite, more: Options = {}): Promise<Client> {
  const { url, caPem, user, password } = site;
  return connect(
    { controller: url, caPem, user, password, ...more } as ConnectOptions,
  );
}

/** VMs whose guests take a moment. */
export const SLOW = { spec: { sim: { bootMs: 3000 } } };

/** The code of what `promise` rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "nothing";
  } catch (error) {
    if (isUsherError(error)) return error.code;
    throw error;
  }
}
