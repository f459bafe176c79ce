/**
 * Who gets in, on a whole site: whoever the chains let in, as they said, and
 * nobody without them.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { PluginView } from "../../src/schema/plugin.ts";
import type { Problem } from "../../src/schema/problem.ts";
import { pluginOf } from "../support/local_plugins.ts";
import { TestSite } from "../support/site.ts";

const USERS = {
  events: ["client_authenticate", "lnm_authenticate"],
  grants: { ctx: ["accounts", "state"] },
};

interface Session {
  readonly token: string;
  readonly user: string;
  readonly role: string;
}

function login(site: TestSite, user: string, password: string) {
  const body = { user, password };
  return site.call<Session & Problem>("POST", "/v1/login", body, null);
}

Deno.test("a directory lets in who has no account, with a role and groups that go with each request", async () => {
  const groups: string[][] = [];
  const directory = pluginOf("directory", {
    client_authenticate([credentials, isValid]) {
      if (isValid || credentials.password !== "of the directory") return;
      return [credentials, true, { role: "user", groups: ["staff"] }];
    },
    request([request]) {
      if (request.user === "bob") groups.push(request.groups);
    },
  });
  await using site = await TestSite.start({
    modules: { directory },
    ctrl: {
      plugins: {
        directory: { events: ["client_authenticate", "request"] },
        users: USERS,
      },
    },
  });
  strictEqual((await login(site, "bob", "guess")).status, 401);
  const { body } = await login(site, "bob", "of the directory");
  deepStrictEqual([body.user, body.role], ["bob", "user"]);
  const asked = { verb: "register", names: ["web"] };
  const { status } = await site.call("POST", "/v1/requests", asked, body.token);
  strictEqual(status, 200);
  strictEqual((await site.vm("web.default.bob")).name, "web.default.bob");
  deepStrictEqual(groups, [["staff"]]);
  // Accounts of the controller go on beside it.
  const { accounts } = site.site.controller.site;
  await accounts.create("ann", "viewer", "her own");
  strictEqual((await login(site, "ann", "her own")).body.role, "viewer");
});

Deno.test("the last value decides", async () => {
  const never = pluginOf("never", {
    client_authenticate: ([credentials, _, identity]) => [
      credentials,
      false,
      identity,
    ],
  });
  await using site = await TestSite.start({
    modules: { never },
    ctrl: {
      plugins: { users: USERS, never: { events: ["client_authenticate"] } },
    },
  });
  await site.site.controller.site.accounts.create("ann", "user", "right");
  strictEqual((await login(site, "ann", "right")).status, 401);
});

Deno.test("without a plugin that decides nobody logs in, and the owner of the state gets in all the same", async () => {
  await using site = await TestSite.start({
    nodes: 0,
    ctrl: { plugins: { users: { enabled: false } } },
  });
  const { accounts } = site.site.controller.site;
  await accounts.create("ann", "admin", "right");
  const { status, body } = await login(site, "ann", "right");
  strictEqual(status, 401);
  match(body.hint ?? "", /usher ctrl admin-token/);
  const token = accounts.openLocalSession();
  const me = await site.call<Session>("GET", "/v1/whoami", undefined, token);
  strictEqual(me.body.role, "admin");
});

Deno.test("a node whose check fails for a while comes again until it is let in", async () => {
  let calls = 0;
  const shaky = pluginOf("shaky", {
    lnm_authenticate() {
      if (++calls <= 2) throw new Error("the directory is away");
    },
  });
  await using site = await TestSite.start({
    modules: { shaky },
    ctrl: {
      plugins: { users: USERS, shaky: { events: ["lnm_authenticate"] } },
    },
  });
  ok(calls >= 3);
  strictEqual((await site.run("start", "web")).outcomes[0]?.state, "succeeded");
});

Deno.test("what a handler says when it fails shows no password to anybody", async () => {
  const clumsy = pluginOf("clumsy", {
    client_authenticate([{ user, password }]) {
      throw new Error(`cannot bind ${user} with "${password}"`);
    },
  });
  await using site = await TestSite.start({
    modules: { clumsy },
    ctrl: { plugins: { clumsy: { events: ["client_authenticate"] } } },
  });
  const { status, body } = await login(site, "ann", "s3cret-of-ann");
  ok(status >= 400);
  match(body.detail, /clumsy/);
  const views = await site.call<{ plugins: PluginView[] }>(
    "GET",
    "/v1/plugins",
  );
  const said = JSON.stringify([body, views.body]);
  match(said, /cannot bind/);
  ok(!said.includes("s3cret-of-ann"), said);
});
