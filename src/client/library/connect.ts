/**
 * Connecting: whom to trust, then as whom, then a client.
 *
 * Nothing secret is sent before the controller is known to be the one that is
 * meant: by its CA, by the CA's fingerprint, or by the machine's authorities.
 *
 * @module
 */
import { openHttpClient } from "#machine";
import { Api, type OpenConnection } from "../api.ts";
import { failure } from "../failure.ts";
import { caByFingerprint } from "../trust.ts";
import type { OnCallbackError } from "./callbacks.ts";
import { Client } from "./client.ts";
import { ConnectionPool } from "./pool.ts";
import { type Credentials, Session } from "./session.ts";

/** Which controller, whom to trust, and as whom. */
export type ConnectOptions = Credentials & {
  /** The controller's address, `https://HOST:8440`. */
  readonly controller: string;
  /** The site's CA, as its administrator gives it. */
  readonly caPem?: string | undefined;
  /** The SHA-256 of that CA instead; it is then fetched and compared. */
  readonly caFingerprint?: string | undefined;
  /** Gets what callbacks throw; where it is absent, the program does. */
  readonly onCallbackError?: OnCallbackError | undefined;
  /** Gives up connecting. */
  readonly signal?: AbortSignal | undefined;
  /** Makes connections; for tests. */
  readonly open?: OpenConnection | undefined;
};

/** Connects and logs in. Throws `unavailable`, `permission_denied` (another CA) or `unauthenticated`. */
export async function connect(options: ConnectOptions): Promise<Client> {
  const { signal, onCallbackError } = options;
  signal?.throwIfAborted();
  const controller = await originOf(options.controller);
  const caPem = await caOf(controller, options);
  signal?.throwIfAborted();
  const { open } = new ConnectionPool(options.open ?? openHttpClient);
  const session = new Session(options, async (body, signal) => {
    using api = new Api({ controller, caPem, open });
    return await api.call(
      "login",
      signal === undefined ? { body } : {
        body,
        signal,
      },
    );
  });
  await session.open(signal);
  const client = new Client({
    session,
    onCallbackError,
    connect: () =>
      new Api({
        controller,
        caPem,
        open,
        token: () => session.token,
        renew: session.renews
          ? (refused, signal) => session.renew(refused, signal)
          : undefined,
      }),
  });
  try {
    // A token that is no good is told now, not at the first verb.
    await client.whoami({ signal });
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

async function originOf(controller: string): Promise<string> {
  const isHttps = URL.canParse(controller) &&
    new URL(controller).protocol === "https:";
  if (isHttps) return new URL(controller).origin;
  throw await failure(
    "invalid_input",
    `"${controller}" is no address of a controller`,
    { hint: "write https://HOST:8440", field: "controller" },
  );
}

async function caOf(
  controller: string,
  { caPem, caFingerprint }: ConnectOptions,
): Promise<string | undefined> {
  if (caPem !== undefined && !caPem.includes("-----BEGIN CERTIFICATE-----")) {
    throw await failure("invalid_input", "Cannot take caPem for a CA", {
      hint: "a CA has a part that begins with -----BEGIN CERTIFICATE-----",
      field: "caPem",
    });
  }
  if (caFingerprint === undefined) return caPem;
  return await caByFingerprint(controller, caFingerprint);
}
