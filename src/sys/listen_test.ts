/**
 * TLS listeners: taken ports, a new certificate under open streams, and ends.
 *
 * @module
 */
import { match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import {
  CA_A,
  CA_B,
  CERT_A,
  CERT_B,
  KEY_A,
  KEY_B,
} from "../../tests/support/certificates.ts";
import { until, within } from "../../tests/support/wait.ts";
import { isUsherError } from "../error/mod.ts";
import { serveTls, type TlsHandler, type TlsServer } from "./listen.ts";

/** The first server loads libc, which stays: no leak. */
const LOADS_LIBC = { sanitizeResources: false };

/** Answers `/stream` with a line for each `push`, and all else with the protocol. */
class Feed {
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  isCancelled = false;

  readonly handler: TlsHandler = (request) => {
    if (new URL(request.url).pathname !== "/stream") {
      return new Response("hello");
    }
    let own: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        own = controller;
        this.#streams.add(controller);
      },
      cancel: () => {
        this.isCancelled = true;
        this.#streams.delete(own);
      },
    });
    return new Response(body);
  };

  push(text: string): void {
    for (const stream of this.#streams) {
      stream.enqueue(new TextEncoder().encode(text));
    }
  }

  end(): void {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }
}

function serve(
  handler: TlsHandler,
  more: { signal?: AbortSignal } = {},
): TlsServer {
  return serveTls({
    hostname: "127.0.0.1",
    port: 0,
    certPem: CERT_A,
    keyPem: KEY_A,
    handler,
    ...more,
  });
}

async function get(url: string, client: Deno.HttpClient): Promise<string> {
  const response = await fetch(url, {
    client,
    signal: AbortSignal.timeout(10_000),
  });
  return await response.text();
}

function clientOf(caPem: string): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts: [caPem], poolMaxIdlePerHost: 0 });
}

async function openStream(
  server: TlsServer,
  feed: Feed,
  client: Deno.HttpClient,
): Promise<ReadableStreamDefaultReader<string>> {
  const response = await fetch(`https://127.0.0.1:${server.port}/stream`, {
    client,
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  feed.push("first");
  strictEqual((await reader.read()).value, "first");
  return reader;
}

Deno.test(
  "serveTls() refuses a port that another has, naming it and how to find out who",
  LOADS_LIBC,
  async () => {
    const server = serve(() => new Response());
    throws(
      () =>
        serveTls({
          hostname: "127.0.0.1",
          port: server.port,
          certPem: CERT_A,
          keyPem: KEY_A,
          handler: () => new Response(),
        }),
      (error) => {
        ok(isUsherError(error, "unavailable"));
        match(
          error.message,
          new RegExp(
            `127\\.0\\.0\\.1:${server.port}: another process has the port`,
          ),
        );
        match(
          error.details.hint ?? "",
          new RegExp(`ss -ltnp 'sport = :${server.port}'`),
        );
        return true;
      },
    );
    await server.close(0);
  },
);

Deno.test("serveTls() refuses a port that a program without SO_REUSEPORT has", () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  throws(
    () =>
      serveTls({
        hostname: "127.0.0.1",
        port,
        certPem: CERT_A,
        keyPem: KEY_A,
        handler: () => new Response(),
      }),
    (error) => isUsherError(error, "unavailable"),
  );
});

Deno.test("serveTls() refuses what is no certificate, and an address that is not here", () => {
  const handler = () => new Response();
  throws(
    () =>
      serveTls({
        hostname: "127.0.0.1",
        port: 0,
        certPem: "x",
        keyPem: "y",
        handler,
      }),
    (error) => isUsherError(error, "invalid_input"),
  );
  throws(
    () =>
      serveTls({
        hostname: "192.0.2.1",
        port: 0,
        certPem: CERT_A,
        keyPem: KEY_A,
        handler,
      }),
    (error) =>
      isUsherError(error, "unavailable") && /192\.0\.2\.1/.test(error.message),
  );
});

Deno.test("replaceCertificate() serves the new certificate while open streams live on", async () => {
  const feed = new Feed();
  const server = serve(feed.handler);
  using old = clientOf(CA_A);
  using renewed = clientOf(CA_B);
  const reader = await openStream(server, feed, old);
  server.replaceCertificate(CERT_B, KEY_B);
  const url = `https://127.0.0.1:${server.port}/`;
  await until(
    "the new certificate is served",
    async () => await get(url, renewed) === "hello",
  );
  using late = clientOf(CA_A);
  await rejects(get(url, late));
  feed.push("second");
  strictEqual((await reader.read()).value, "second");
  feed.end();
  strictEqual((await reader.read()).done, true);
  await within("the server has ended", 10_000, server.close(10_000));
});

Deno.test("close() lets open requests end, and refuses new ones meanwhile", async () => {
  const feed = new Feed();
  const server = serve(feed.handler);
  using client = clientOf(CA_A);
  const reader = await openStream(server, feed, client);
  const closed = server.close(30_000);
  const refused = await fetch(`https://127.0.0.1:${server.port}/`, { client });
  strictEqual(refused.status, 503);
  strictEqual((await refused.json()).code, "unavailable");
  feed.push("last");
  strictEqual((await reader.read()).value, "last");
  feed.end();
  strictEqual((await reader.read()).done, true);
  await within("the server has ended before its grace", 15_000, closed);
  await server.finished;
});

Deno.test("close() cuts what is still open after its grace", async () => {
  const feed = new Feed();
  const server = serve(feed.handler);
  using client = clientOf(CA_A);
  const reader = await openStream(server, feed, client);
  await within("the server has ended", 15_000, server.close(50));
  await rejects(reader.read());
  await until("the handler's stream is cancelled", () => feed.isCancelled);
});

Deno.test("an aborted signal ends the server at once and frees its port", async () => {
  const feed = new Feed();
  const abort = new AbortController();
  const server = serve(feed.handler, { signal: abort.signal });
  using client = clientOf(CA_A);
  const reader = await openStream(server, feed, client);
  abort.abort();
  await within("the server has ended", 15_000, server.finished);
  await rejects(reader.read());
  using listener = Deno.listen({ hostname: "127.0.0.1", port: server.port });
  strictEqual(listener.addr.port, server.port);
});
