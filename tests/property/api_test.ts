/**
 * Whatever anybody sends, the API answers, says what is wrong, and lives on.
 *
 * @module
 */
import { ok, strictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import type { Problem } from "../../src/schema/problem.ts";
import { ROUTES } from "../../src/schema/route.ts";
import { Verb } from "../../src/schema/operation.ts";
import { TestSite } from "../support/site.ts";

const WORDS = [
  "web",
  "web-1",
  "*",
  "[",
  "a.b.c",
  "a.b.c.d",
  "",
  ".",
  "__proto__",
  "ä",
  "\u0000",
  "x".repeat(300),
  "n1",
  "0",
];
const word = fc.oneof(fc.constantFrom(...WORDS), fc.string());
const anything = fc.oneof(
  word,
  fc.integer(),
  fc.double(),
  fc.constantFrom(null, true, Number.MAX_SAFE_INTEGER, -1, 0),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Near to a request, and wrong in some way as often as not. */
const request = fc.record({
  verb: fc.oneof(fc.constantFrom(...Verb.options), anything),
  names: fc.oneof(fc.array(word, { maxLength: 3 }), anything),
  count: anything,
  args: fc.oneof(fc.dictionary(word, word, { maxKeys: 3 }), anything),
  on: word,
  graceMs: anything,
  queue: anything,
  id: word,
  spec: fc.oneof(
    fc.record({
      memoryMiB: anything,
      vcpus: anything,
      driver: word,
      disks: fc.oneof(fc.array(anything, { maxLength: 2 }), anything),
      sim: anything,
    }, { requiredKeys: [] }),
    anything,
  ),
}, { requiredKeys: [] });

function assertAnswered(
  what: string,
  status: number,
  problem: Problem | null,
): void {
  ok(status < 500, `${what}: ${status} ${JSON.stringify(problem)}`);
  if (status >= 400) ok((problem?.detail ?? "").length > 0, what);
}

/** Streams go on; whether they begin is all that is looked at. */
async function ask(
  site: TestSite,
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; problem: Problem | null }> {
  const abort = new AbortController();
  const response = await site.client.fetch(site.site.url + path, {
    method,
    headers: { authorization: `Bearer ${site.site.token}` },
    signal: abort.signal,
    ...(body === undefined ? {} : { body }),
  });
  const { status } = response;
  if (status >= 400) return { status, problem: await response.json() };
  abort.abort();
  await response.body?.cancel().catch(() => {});
  return { status, problem: null };
}

Deno.test("api: no request makes it fail", async () => {
  await using site = await TestSite.start();
  await fc.assert(
    fc.asyncProperty(fc.oneof(request, anything), async (value) => {
      const body = JSON.stringify(value);
      const { status, problem } = await ask(
        site,
        "POST",
        "/v1/requests",
        body,
      );
      assertAnswered(body, status, problem);
    }),
    { numRuns: 300 },
  );
  strictEqual((await site.call("GET", "/v1/whoami")).status, 200);
});

Deno.test("api: no path, query or body makes any route fail", async () => {
  await using site = await TestSite.start();
  const routes = Object.values(ROUTES).filter(({ path }) =>
    path !== "/v1/logout"
  );
  const query = fc.record({
    filter: fc.oneof(word, fc.tuple(word, word).map((its) => its.join("="))),
    names: word,
    limit: word,
    since: word,
    kinds: word,
    history: word,
    fields: word,
    stream: word,
  }, { requiredKeys: [] });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...routes),
      word,
      query,
      anything,
      async ({ method, path }, name, asked, value) => {
        const filled = path.replace(/\{\w+\}/, encodeURIComponent(name));
        const url = `${filled}?${new URLSearchParams(asked)}`;
        const body = method === "POST" ? JSON.stringify(value) : undefined;
        const { status, problem } = await ask(site, method, url, body);
        assertAnswered(`${method} ${url} ${body}`, status, problem);
      },
    ),
    { numRuns: 300 },
  );
  strictEqual((await site.call("GET", "/v1/whoami")).status, 200);
});
