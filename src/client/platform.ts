/**
 * What the client needs of the machine that it runs on: connections, and the
 * files and variables of its configuration.
 *
 * deno.ts and node.ts are the two that there are. Code asks for "#machine":
 * deno.json says that this is the first, the package for Node that it is the
 * second, and so nothing else of the library knows which it runs on.
 *
 * @module
 */

/** Connections to one controller. */
export interface HttpClient extends Disposable {
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** A WebSocket that trusts the same CA and carries `headers`. */
  openSocket(url: string, headers: Record<string, string>): WebSocket;
  /** Tells, before it is left, that it is left because it answers no more. */
  broken?(): void;
}

/** An answer read from a server that is not trusted yet. */
export interface UnverifiedAnswer {
  readonly status: number;
  readonly body: string;
  /** Its `Date`, where it says one. */
  readonly date?: string | undefined;
  /** When the certificate that it showed begins and ends, as TLS says it. */
  readonly notBefore?: string | undefined;
  readonly notAfter?: string | undefined;
}
