/**
 * Connections of this machine that are handed on elsewhere: unix sockets and
 * loopback ports, each connection to a function that takes care of it.
 *
 * @module
 */
import { messageOf, UsherError } from "../error/mod.ts";
import {
  asBytes,
  type ByteConnection,
  closeQuietly,
} from "./byte_connection.ts";

/** Where connections come in, or go to: a unix socket, or a port of an address. */
export type Place = string | {
  readonly address: string;
  readonly port: number;
};

/** Takes connections at `place` until it is disposed of. Throws `unavailable` when it is taken. */
export function serveAt(
  place: Place,
  take: (connection: ByteConnection) => void,
): Disposable {
  let listener: Deno.Listener;
  try {
    listener = typeof place === "string"
      ? Deno.listen({ transport: "unix", path: place })
      : Deno.listen({ hostname: place.address, port: place.port });
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot listen at ${nameOf(place)}: ${messageOf(error)}`,
      { cause: error },
    );
  }
  void (async () => {
    for await (const connection of listener) take(asBytes(connection));
  })().catch(() => {}); // closed
  return { [Symbol.dispose]: () => closeQuietly(listener) };
}

/** Connects to `place`. Throws `unavailable` when nobody listens there. */
export async function connectAt(place: Place): Promise<ByteConnection> {
  try {
    return asBytes(
      typeof place === "string"
        ? await Deno.connect({ transport: "unix", path: place })
        : await Deno.connect({ hostname: place.address, port: place.port }),
    );
  } catch (error) {
    throw new UsherError(
      "unavailable",
      `Cannot connect to ${nameOf(place)}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** A port of `address` that was free a moment ago. */
export function freePort(address: string): number {
  const listener = Deno.listen({ hostname: address, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

function nameOf(place: Place): string {
  return typeof place === "string" ? place : `${place.address}:${place.port}`;
}
