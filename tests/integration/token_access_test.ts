/**
 * Every route as nobody, as a node, as an administrator, and with tokens of
 * every scope; and what goes on with a session or a token, which ends with it.
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
import { suffices, tokenNeed } from "../../src/core/token_scope.ts";
import type { Problem } from "../../src/schema/problem.ts";
import { type Route, ROUTES } from "../../src/schema/route.ts";
import { TokenScope } from "../../src/schema/token_scope.ts";
import { Reader } from "../support/reader.ts";
import { TestSite } from "../support/site.ts";

/** Scopes that differ in what they open; each VM named is nobody's. */
const SCOPES: Readonly<Record<string, TokenScope>> = {
  read: TokenScope.parse({ access: "read" }),
  verb: TokenScope.parse({ access: "act", verbs: ["resume"] }),
  vms: TokenScope.parse({ access: "act", vms: ["no-such-vm"] }),
  act: TokenScope.parse({ access: "act" }),
  admin: TokenScope.parse({ access: "admin" }),
};

/** What is called when nothing of it may come true: names of nothing, and no body. */
function harmless({ path }: Route): string {
  const filled = path.replaceAll(/\{\w+\}/g, "no-such-thing");
  // A watch without an end would not end.
  return path === "/v1/watch" ? `${filled}?since=x` : filled;
}

/** Routes that would change the site even so, or stream without an end. */
const LEFT_OUT = new Set([
  "/v1/plugins/reload",
  "/v1/node-tokens",
  "/v1/logout",
  "/v1/reload",
]);

async function tokensOf(site: TestSite): Promise<Record<string, string>> {
  const { accounts } = site.site.controller.site;
  await accounts.create("root", "admin", "correct horse");
  const tokens: Record<string, string> = {};
  for (const [name, scope] of Object.entries(SCOPES)) {
    const made = await accounts.tokens.create({
      user: "root",
      name,
      scope,
      ttlMs: null,
    });
    tokens[name] = made.token;
  }
  return tokens;
}

Deno.test("routes: nobody and nodes are let in nowhere, and a token to what its scope opens", async (t) => {
  await using site = await TestSite.start({ nodes: 1 });
  const tokens = await tokensOf(site);
  const folder = site.site.cliConfig.replace(/\/[^/]*$/, "");
  const { secret } = JSON.parse(
    await Deno.readTextFile(`${folder}/n1/credential.json`),
  );
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    if (route.access === "public") continue;
    await t.step(name, async () => {
      const path = harmless(route);
      const call = (token: string | null) =>
        site.call<Problem>(route.method, path, undefined, token);
      for (const token of [null, "nonsense", secret]) {
        strictEqual((await call(token)).status, 401);
      }
      const need = tokenNeed(route);
      for (const [scope, token] of Object.entries(tokens)) {
        const opens = suffices(SCOPES[scope] as TokenScope, need);
        if (opens && (LEFT_OUT.has(path) || route.stream === "ndjson")) {
          continue;
        }
        const { status, body } = await call(token);
        const refused = status === 403 &&
          /is not for this|cannot be done with an API token/.test(body.detail);
        strictEqual(refused, !opens, `${scope}: ${status} ${body?.detail}`);
      }
    });
  }
});

Deno.test("tokens: one that is for some VMs sees no other, in lists, watches and operations", async () => {
  await using site = await TestSite.start({ nodes: 1 });
  await site.run("start", ["web.lab.admin", "db.default.admin"]);
  const { accounts } = site.site.controller.site;
  const { token, record } = await accounts.tokens.create({
    user: "admin",
    name: "lab",
    scope: TokenScope.parse({ access: "act", vms: ["*.lab"] }),
    ttlMs: null,
  });
  const text = async (path: string) =>
    JSON.stringify((await site.call("GET", path, undefined, token)).body);
  for (const path of ["/v1/vms", "/v1/operations", "/v1/clusters"]) {
    const seen = await text(path);
    match(seen, /lab\.admin/, path);
    ok(!seen.includes("default.admin"), `${path}: ${seen}`);
  }
  const submit = (verb: string, name: string) =>
    site.call<Problem>(
      "POST",
      "/v1/requests",
      { verb, names: [name] },
      token,
    );
  strictEqual((await submit("pause", "db.default.admin")).status, 404);
  strictEqual((await submit("start", "new.default.admin")).status, 403);
  strictEqual((await submit("pause", "web.lab.admin")).status, 200);
  await using reader = await Reader.open(site, "/v1/watch", token);
  const first = await reader.until(({ type }) => type === "synced");
  const shown = JSON.stringify(first);
  ok(shown.includes("web.lab.admin") && !shown.includes("db.default"), shown);
  await accounts.tokens.revoke(record);
  const [bye] = (await reader.until(({ type }) => type === "bye")).slice(-1);
  deepStrictEqual(bye, {
    type: "bye",
    reason: "this session has ended",
    resume: false,
  });
});

Deno.test("sessions: disabling an account ends its watches and the following of its requests at once", async () => {
  await using site = await TestSite.start({ nodes: 1 });
  const { accounts } = site.site.controller.site;
  await accounts.create("ann", "user", "correct horse");
  const { token } = await accounts.openSession("ann", 600_000);
  const body = {
    id: "slow-request",
    verb: "start",
    names: ["web"],
    spec: { sim: { bootMs: 600_000 } },
  };
  const sent = await site.call("POST", "/v1/requests", body, token);
  strictEqual(sent.status, 200, JSON.stringify(sent.body));
  await using watch = await Reader.open(site, "/v1/watch", token);
  await using follow = await Reader.open(
    site,
    "/v1/requests/slow-request/follow",
    token,
  );
  await watch.until(({ type }) => type === "synced");
  await follow.until(({ type }) => type === "accepted");
  const disabled = await site.call("POST", "/v1/users/ann/disable");
  strictEqual(disabled.status, 200);
  await watch.until(({ type }) => type === "bye");
  await rejects(follow.until(() => false), /ended after/);
  strictEqual(
    (await site.call("GET", "/v1/vms", undefined, token)).status,
    401,
  );
  // What she asked for goes on.
  await site.untilState("web.default.ann", "starting");
});
