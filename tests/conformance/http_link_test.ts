/**
 * The link suite over HTTP/2 on loopback.
 *
 * @module
 */
import { systemClock } from "../../src/sys/clock.ts";
import { HttpClient } from "../../src/sys/http_client.ts";
import { serveTls } from "../../src/sys/listen.ts";
import { CA_A, CERT_A, KEY_A } from "../support/certificates.ts";
import { until } from "../support/wait.ts";
import { type Answering, linkConformance, type LinkHarness } from "./link.ts";

function makeHarness(): Promise<LinkHarness> {
  let answering: Answering | null = null;
  const server = serveTls({
    hostname: "127.0.0.1",
    port: 0,
    certPem: CERT_A,
    keyPem: KEY_A,
    handler: ({ body }) =>
      answering?.(body ?? new ReadableStream()) ??
        new Response(null, { status: 503 }),
  });
  const clients: HttpClient[] = [];
  return Promise.resolve({
    clock: systemClock,
    listen(next) {
      answering = next;
    },
    async connect(body, signal) {
      const client = new HttpClient(CA_A);
      clients.push(client);
      const nobody = answering === null;
      // A port where nobody listens.
      const port = nobody ? 1 : server.port;
      const response = await client.fetch(`https://127.0.0.1:${port}/`, {
        method: "POST",
        body,
        signal,
      });
      return response.body!;
    },
    until: async (what, predicate) => void await until(what, predicate),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client[Symbol.dispose]();
      await server.close(0);
    },
  });
}

linkConformance("over HTTP/2", makeHarness);
