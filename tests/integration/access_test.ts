/**
 * Who gets in: logins, sessions, join tokens, certificates.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "../../src/lnm/credential.ts";
import { encodeJoinToken } from "../../src/schema/join_token.ts";
import type { Problem } from "../../src/schema/problem.ts";
import { ROUTES } from "../../src/schema/route.ts";
import { HttpClient } from "../../src/sys/http_client.ts";
import { TestSite } from "../support/site.ts";

async function firstPassword(site: TestSite): Promise<string> {
  const path = site.site.cliConfig.replace(/cli\.yaml$/, "admin-password");
  return (await Deno.readTextFile(path)).trim();
}

Deno.test("access: every route but the public ones needs a session", async () => {
  await using site = await TestSite.start();
  for (const route of Object.values(ROUTES)) {
    const path = route.path.replace(/\{\w+\}/g, "something");
    const { status, body } = await site.call<Problem>(
      route.method,
      path,
      route.method === "POST" ? {} : undefined,
      null,
    );
    const expected = route.access === "public"
      ? status !== 401
      : status === 401 && body.code === "unauthenticated";
    strictEqual(expected, true, `${route.method} ${path} answered ${status}`);
  }
});

Deno.test("access: the first account's password opens a session, and logout ends it", async () => {
  await using site = await TestSite.start();
  const login = { user: "admin", password: await firstPassword(site) };
  const { status, body } = await site.call<{ token: string; role: string }>(
    "POST",
    "/v1/login",
    login,
    null,
  );
  deepStrictEqual([status, body.role], [200, "admin"]);
  strictEqual(
    (await site.call("GET", "/v1/whoami", undefined, body.token)).status,
    200,
  );
  strictEqual(
    (await site.call("POST", "/v1/logout", {}, body.token)).status,
    200,
  );
  strictEqual(
    (await site.call("GET", "/v1/whoami", undefined, body.token)).status,
    401,
  );
});

Deno.test("access: a wrong password is refused, and guessing is slowed down", async () => {
  await using site = await TestSite.start();
  // Side by side: one after another each could outlast the wait it caused.
  const guesses = await Promise.all(
    Array.from({ length: 20 }, () =>
      site.call<Problem>("POST", "/v1/login", {
        user: "admin",
        password: "guess",
      }, null)),
  );
  const codes = guesses.map(({ body }) => body.code);
  deepStrictEqual(
    [...new Set(codes)].toSorted(),
    ["too_many_requests", "unauthenticated"],
  );
  const slowed = guesses.find(({ body }) => body.code === "too_many_requests");
  match(slowed?.body.hint ?? "", /again in \d+ s/);
});

Deno.test("access: an unknown user is told the same as a wrong password", async () => {
  await using site = await TestSite.start();
  const known = await site.call<Problem>("POST", "/v1/login", {
    user: "admin",
    password: "x",
  }, null);
  const unknown = await site.call<Problem>("POST", "/v1/login", {
    user: "nobody",
    password: "x",
  }, null);
  deepStrictEqual(unknown.body, known.body);
});

Deno.test("access: a join token works once, before its time is over, for its node", async () => {
  await using site = await TestSite.start();
  const { nodes, ca, nodesUrl } = {
    ...site.site.controller.site,
    nodes: site.site.controller.site.nodes,
  };
  const folder = await Deno.makeTempDir({ prefix: "usher_join_" });
  const tokenFor = async (node: string | null, ttlMs: number) =>
    encodeJoinToken({
      url: nodesUrl,
      ca: ca.pem,
      secret: (await nodes.newToken(node, ttlMs)).secret,
    });
  try {
    const token = await tokenFor("other", 60_000);
    await rejects(
      join(token, "wrong-name", "0", folder),
      /is for node "other"/,
    );
    strictEqual((await join(token, "other", "0", folder)).name, "other");
    await rejects(
      join(token, "other", "0", folder),
      /unknown or was used already/,
    );
    await rejects(
      join(await tokenFor(null, 0), "late", "0", folder),
      /expired/,
    );
    await rejects(
      join(await tokenFor(null, 60_000), "n1", "0", folder),
      /connected already/,
    );
    await rejects(
      join("usher-join-garbage", "x", "0", folder),
      /no join token/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("access: a controller with another CA is not believed", async () => {
  await using site = await TestSite.start();
  await using other = await TestSite.start({ nodes: 0 });
  using client = new HttpClient(other.site.controller.site.ca.pem);
  await rejects(client.fetch(`${site.site.url}/v1/version`));
  const folder = await Deno.makeTempDir({ prefix: "usher_join_" });
  const { nodesUrl, nodes } = site.site.controller.site;
  const { secret } = await nodes.newToken(null, 60_000);
  const token = encodeJoinToken({
    url: nodesUrl,
    ca: other.site.controller.site.ca.pem,
    secret,
  });
  await rejects(join(token, "x", "0", folder), /Cannot reach the controller/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("access: the OpenAPI document has every route", async () => {
  await using site = await TestSite.start({ nodes: 0 });
  const { body } = await site.call<
    {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string }>>;
    }
  >("GET", "/v1/openapi.json", undefined, null);
  match(body.openapi, /^3\.1/);
  const ids = Object.values(body.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId)
  );
  deepStrictEqual(ids.toSorted(), Object.keys(ROUTES).toSorted());
});

Deno.test("access: the page of the API is shown to anybody, and may do nothing but be read", async () => {
  await using site = await TestSite.start({ nodes: 0 });
  const response = await site.client.fetch(`${site.site.url}/docs`);
  const html = await response.text();
  strictEqual(response.status, 200);
  match(response.headers.get("content-type") ?? "", /^text\/html/);
  match(html, /<h3 id="submit">/);
  const policy = response.headers.get("content-security-policy") ?? "";
  match(policy, /^default-src 'none';/);
  const [, style = ""] = /<style>([^]*)<\/style>/.exec(html) ?? [];
  const hash = createHash("sha256").update(style).digest("base64");
  ok(policy.includes(`style-src 'sha256-${hash}'`), policy);
});
