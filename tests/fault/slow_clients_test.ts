/**
 * Clients that never finish what they say, on both listeners: each is ended
 * in its time, and nobody else notices.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Problem } from "../../src/schema/problem.ts";
import { HttpClient } from "../../src/sys/http_client.ts";
import { TestSite } from "../support/site.ts";
import { within } from "../support/wait.ts";

/** A body that begins well, trickles on, and never ends; `trickling` says how many do. */
function endless(begin: string, stop: AbortSignal): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(begin));
      timer = setInterval(() => controller.enqueue(encoder.encode(" ")), 500);
      stop.addEventListener("abort", () => clearInterval(timer), {
        once: true,
      });
    },
    cancel: () => clearInterval(timer),
  });
}

Deno.test("a body that never ends is answered within its time, wherever it is sent", async () => {
  await using site = await TestSite.start();
  const { ca, nodesUrl } = site.site.controller.site;
  const clients = site.site.url;
  const cases = [
    [`${clients}/v1/login`, '{"user":"admin",'],
    [`${clients}/v1/requests`, '{"verb":"start",'],
    [`${clients}/v1/node-tokens`, "{"],
    [`${nodesUrl}/v1/enrol`, '{"name":"n9",'],
  ] as const;
  const stop = new AbortController();
  const began = performance.now();
  const answers = cases.map(async ([url, begin]) => {
    using client = new HttpClient(ca.pem);
    const response = await client.fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${site.site.token}` },
      body: endless(begin, stop.signal),
      signal: stop.signal,
    });
    return [response.status, (await response.json() as Problem).detail];
  });
  // Meanwhile everybody else is served.
  strictEqual(
    (await site.run("start", "alive")).outcomes[0]?.state,
    "succeeded",
  );
  const got = await within("all answers", 300_000, Promise.all(answers));
  stop.abort();
  for (const [status, detail] of got) {
    strictEqual(status, 400);
    match(String(detail), /did not end within 30 s/);
  }
  ok(performance.now() - began >= 29_000, "each had its time");
});

Deno.test("connections that say nothing, or half of their headers, keep nobody out", async () => {
  await using site = await TestSite.start();
  const { ca, nodesUrl } = site.site.controller.site;
  const half = new TextEncoder().encode(
    "POST /v1/login HTTP/1.1\r\nHost: x\r\n",
  );
  const open: Deno.Conn[] = [];
  try {
    for (const url of [site.site.url, nodesUrl]) {
      const at = { hostname: "127.0.0.1", port: Number(new URL(url).port) };
      for (let i = 0; i < 100; i++) open.push(await Deno.connect(at));
      for (let i = 0; i < 20; i++) {
        const connection = await Deno.connectTls({
          ...at,
          caCerts: [ca.pem],
          alpnProtocols: ["http/1.1"],
        });
        await connection.write(half);
        open.push(connection);
      }
    }
    const [outcome] = (await site.run("start", "alive")).outcomes;
    deepStrictEqual([outcome?.state, outcome?.problem], ["succeeded", null]);
    await site.site.stopNode("n1");
    await site.site.startNode("n1");
  } finally {
    for (const connection of open) connection.close();
  }
});
