/**
 * The library's side of Node: HTTP/2 and WebSockets that trust a site's CA. No
 * other file of the library names it; deno.ts is the same under Deno.
 *
 * Node's own `fetch` and `WebSocket` cannot be given a CA without trusting it
 * for the whole process, so requests go over `node:http2` and consoles over
 * `ws`.
 *
 * @module
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { readFile, stat } from "node:fs/promises";
import { request as requestHttps } from "node:https";
import process from "node:process";
import { Readable } from "node:stream";
import type { TLSSocket } from "node:tls";
import { WebSocket as NodeWebSocket } from "ws";
import { UsherError } from "../error/mod.ts";
import type { HttpClient, UnverifiedAnswer } from "./platform.ts";

/** New connections that trust `caPem` alone, or the machine's authorities. */
export function openHttpClient(caPem: string | undefined): HttpClient {
  return new NodeClient(caPem);
}

class NodeClient implements HttpClient {
  readonly #caPem: string | undefined;
  #session: ClientHttp2Session | null = null;
  #streams = 0;

  constructor(caPem: string | undefined) {
    this.#caPem = caPem;
  }

  async fetch(url: string, init: RequestInit): Promise<Response> {
    const { signal } = init;
    signal?.throwIfAborted();
    const session = this.#open(new URL(url).origin);
    const { pathname, search } = new URL(url);
    const stream = session.request({
      ...Object.fromEntries(new Headers(init.headers)),
      ":method": init.method ?? "GET",
      ":path": pathname + search,
    }, { endStream: !init.body });
    this.#count(session, stream);
    if (init.body) stream.end(init.body);
    const stop = () => {
      stream.close(constants.NGHTTP2_CANCEL);
      stream.destroy(asError(signal?.reason));
    };
    signal?.addEventListener("abort", stop, { once: true });
    stream.once("close", () => signal?.removeEventListener("abort", stop));
    try {
      return answerOf(stream, await headersOf(stream));
    } catch (error) {
      signal?.throwIfAborted();
      // What broke the connection says more than that the stream ended with it.
      throw failures.get(session) ?? error;
    }
  }

  openSocket(url: string, headers: Record<string, string>): WebSocket {
    const ca = this.#caPem;
    const socket = new NodeWebSocket(url, {
      headers,
      ...(ca === undefined ? {} : { ca }),
    });
    return socket as unknown as WebSocket;
  }

  [Symbol.dispose](): void {
    this.#session?.destroy();
    this.#session = null;
  }

  #open(origin: string): ClientHttp2Session {
    const open = this.#session;
    if (open !== null && !open.closed && !open.destroyed) return open;
    const ca = this.#caPem;
    const session = connectHttp2(origin, ca === undefined ? {} : { ca });
    session.on("error", (error) => failures.set(session, error));
    // The controller lets no more in over it; what is open may end.
    session.on("goaway", () => {
      if (this.#session === session) this.#session = null;
    });
    // It keeps no program alive on which nothing is asked.
    session.unref();
    this.#session = session;
    this.#streams = 0;
    return session;
  }

  #count(session: ClientHttp2Session, stream: ClientHttp2Stream): void {
    if (this.#streams++ === 0) session.ref();
    stream.once("close", () => {
      if (this.#session !== session) return;
      if (--this.#streams === 0) session.unref();
    });
  }
}

/** What broke a connection. */
const failures = new WeakMap<ClientHttp2Session, Error>();

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

function headersOf(stream: ClientHttp2Stream): Promise<Answered> {
  return new Promise((resolve, reject) => {
    stream.once("response", (headers) => {
      resolve({ status: headers[":status"] ?? 502, headers });
    });
    stream.once("error", reject);
    stream.once(
      "close",
      () => reject(new Error("The connection ended before an answer")),
    );
  });
}

function answerOf(stream: ClientHttp2Stream, answered: Answered): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(answered.headers)) {
    if (!name.startsWith(":")) headers.set(name, String(value));
  }
  const { status } = answered;
  const isEmpty = status === 204 || status === 304;
  // One that nobody reads to its end must not end the process.
  stream.on("error", () => {});
  const body = isEmpty ? null : Readable.toWeb(stream) as ReadableStream;
  return new Response(body, { status, headers });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** GETs `url` without checking who answers. Send nothing secret this way. */
export function getUnverified(
  url: string,
  signal: AbortSignal,
): Promise<UnverifiedAnswer> {
  return new Promise((resolve, reject) => {
    const request = requestHttps(url, {
      rejectUnauthorized: false,
      agent: false,
      signal,
    }, (response) => {
      let body = "";
      const { valid_from: notBefore, valid_to: notAfter } =
        (response.socket as TLSSocket).getPeerCertificate();
      response.setEncoding("utf8");
      response.on("data", (part: string) => body += part);
      response.on("end", () => {
        const { statusCode: status = 0, headers: { date } } = response;
        resolve({ status, body, date, notBefore, notAfter });
      });
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end();
  });
}

/** A variable of the environment. */
export function environment(name: string): string | undefined {
  return process.env[name];
}

/** The most that a person writes by hand. */
const MAX_FILE_BYTES = 1024 * 1024;

/** The text of the plain file `path`, or null when there is none. Throws `invalid_input`. */
export async function readPlainOrNull(path: string): Promise<string | null> {
  try {
    const found = await stat(path);
    // Whoever opens a pipe waits for its writer.
    if (!found.isFile() && !found.isDirectory() && path !== "/dev/null") {
      throw new Error("It is a pipe or a device, not a file");
    }
    if (found.size > MAX_FILE_BYTES) throw new Error("It is larger than 1 MiB");
    const bytes = await readFile(path);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new UsherError(
      "invalid_input",
      `Cannot read ${path}: ${whyUnreadable(code, error)}`,
      { cause: error },
    );
  }
}

function whyUnreadable(code: string | undefined, error: unknown): string {
  switch (code) {
    case "EISDIR":
      return "it is a folder, not a file";
    case "EACCES":
    case "EPERM":
      return "its permissions do not let you";
    case "ERR_ENCODING_INVALID_ENCODED_DATA":
      return "it is not in UTF-8";
    default:
      return error instanceof Error
        ? error.message.charAt(0).toLowerCase() + error.message.slice(1)
        : String(error);
  }
}
