/**
 * Ways around what one may, each tried: other people's consoles and streams,
 * tokens that would have more, names that are paths, and what answers give away.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { connect, isUsherError } from "@usher/client";
import type { Problem } from "../../src/schema/problem.ts";
import { ROUTES } from "../../src/schema/route.ts";
import { TokenScope } from "../../src/schema/token_scope.ts";
import { Reader } from "../support/reader.ts";
import { TestSite } from "../support/site.ts";

type Who = "ann" | "bob" | "vic" | "root";

/** A site where ann has much to hide, and who would like to know. */
class Site implements AsyncDisposable {
  private constructor(
    readonly site: TestSite,
    readonly tokens: Readonly<Record<Who, string>>,
  ) {}

  static async start(): Promise<Site> {
    const site = await TestSite.start();
    const { accounts } = site.site.controller.site;
    const open = async (name: Who, role: "user" | "viewer" | "admin") => {
      await accounts.create(name, role, "the old password");
      return (await accounts.openSession(name, 600_000)).token;
    };
    const tokens = {
      ann: await open("ann", "user"),
      bob: await open("bob", "user"),
      vic: await open("vic", "viewer"),
      root: await open("root", "admin"),
    };
    await site.run("start", ["web.lab.ann", "key.vault.ann"]);
    return new Site(site, tokens);
  }

  async call<T = Problem>(
    token: string,
    method: string,
    path: string,
    body?: unknown,
  ) {
    return await this.site.call<T>(method, path, body, token);
  }

  async share(level: string): Promise<void> {
    await this.site.call("POST", "/v1/clusters/lab.ann/share", {
      with: { kind: "user", name: "bob" },
      level,
    });
  }

  /** An API token of `user`. */
  async token(user: Who, scope: Partial<TokenScope>): Promise<string> {
    const { accounts } = this.site.site.controller.site;
    const { token } = await accounts.tokens.create({
      user,
      name: crypto.randomUUID().slice(0, 8),
      scope: TokenScope.parse({ access: "act", ...scope }),
      ttlMs: null,
    });
    return token;
  }

  /** The code with which a console is refused, over a real WebSocket. */
  async console(token: string, vm: string): Promise<string> {
    const { site: { url, controller } } = this.site;
    const caPem = controller.site.ca.pem;
    await using client = await connect({ controller: url, caPem, token });
    try {
      using line = await client.console(vm);
      await line.write("attacker was here\n");
      return "opened";
    } catch (error) {
      if (isUsherError(error)) return error.code;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
  }
}

Deno.test("attack: a console is nobody's who may not control the VM, over a WebSocket either", async () => {
  await using all = await Site.start();
  const { bob, vic, root } = all.tokens;
  strictEqual(await all.console(vic, "web.lab.ann"), "permission_denied");
  strictEqual(await all.console(bob, "web.lab.ann"), "not_found");
  await all.share("view");
  strictEqual(await all.console(bob, "web.lab.ann"), "permission_denied");
  strictEqual(await all.console(bob, "key.vault.ann"), "not_found");
  const ofAnn = {
    "for reading": await all.token("ann", { access: "read" }),
    "for another verb": await all.token("ann", { verbs: ["pause"] }),
  };
  for (const [what, token] of Object.entries(ofAnn)) {
    const refused = await all.console(token, "web.lab.ann");
    strictEqual(refused, "permission_denied", what);
  }
  const confined = await all.token("ann", { vms: ["*.vault"] });
  strictEqual(await all.console(confined, "web.lab.ann"), "not_found");
  strictEqual(await all.console(confined, "key.vault.ann"), "opened");
  strictEqual(await all.console(root, "web.lab.ann"), "opened");
});

Deno.test("attack: no stream of a user's tells of another's VM, cluster or request, resumed or not", async () => {
  await using all = await Site.start();
  const { site, tokens } = all;
  await all.share("view");
  const confined = await all.token("ann", { vms: ["*.lab"] });
  const readers = await Promise.all(
    ["", "?since=1", "?kinds=operation", "?kinds=cluster,node&snapshot=0"]
      .flatMap((query) =>
        [tokens.bob, confined].map((token) =>
          Reader.open(site, `/v1/watch${query}`, token)
        )
      ),
  );
  // All that can happen to what is hidden, then something that all may see.
  await site.run("pause", "key.vault.ann");
  await site.run("start", "new.vault.ann", { args: { note: "vault-note" } });
  await site.run("destroy", "new.vault.ann");
  await site.call("POST", "/v1/clusters", { name: "vaults.ann" });
  await site.call("POST", "/v1/clusters/vault.ann/share", {
    with: { kind: "user", name: "vic" },
    level: "control",
  });
  await site.call("DELETE", "/v1/clusters/vaults.ann");
  await site.call("POST", "/v1/quotas/vault.ann", { vms: 9 });
  await site.run("pause", "web.lab.ann");
  await site.call("POST", "/v1/nodes/n1/drain", { timeoutMs: 1000 });
  await site.call("POST", "/v1/nodes/n1/undrain");
  await site.call("POST", "/v1/clusters/lab.ann/unshare", {
    with: { kind: "user", name: "bob" },
  });
  const { revision } = site.site.controller.site.records;
  for (const reader of readers) {
    await using _reader = reader;
    const lines = await reader.until((line) =>
      Number(line["revision"] ?? 0) >= revision || line.type === "beat"
    );
    ok(!JSON.stringify(lines).includes("vault"), JSON.stringify(lines));
  }
  const paths = ["/v1/vms", "/v1/operations", "/v1/clusters", "/v1/quotas"];
  for (const path of [...paths, "/v1/node-operations", "/v1/nodes"]) {
    const { body } = await all.call(tokens.bob, "GET", path);
    ok(!JSON.stringify(body).includes("ann"), `${path}: bob`);
  }
  // A token that is for some of the VMs shows no quota but theirs.
  const { body } = await all.call(confined, "GET", "/v1/quotas");
  ok(!JSON.stringify(body).includes("vault"), JSON.stringify(body));
});

Deno.test("attack: why a VM goes nowhere names no VM of a cluster that is not shared", async () => {
  await using all = await Site.start();
  await all.share("control");
  const asked = {
    verb: "start",
    names: ["spy.lab.ann"],
    spec: { placement: { apartFrom: ["*.*"], togetherWith: ["k*.v*"] } },
  };
  const { bob } = all.tokens;
  const plan = await all.call(bob, "POST", "/v1/plans", asked);
  const tried = await all.call(bob, "POST", "/v1/requests?follow=1", asked);
  const made = { ...asked, verb: "register", names: ["mole.lab.ann"] };
  await all.call(bob, "POST", "/v1/requests?follow=1", made);
  const path = "/v1/vms/mole.lab.ann/placement";
  const explained = await all.call(bob, "GET", path);
  for (const { status, body } of [plan, tried, explained]) {
    strictEqual(status, 200, JSON.stringify(body));
    const text = JSON.stringify(body);
    match(text, /other cluster/);
    ok(!/key|vault/.test(text), text);
  }
});

Deno.test("attack: a token gets nobody more than its owner has, nor itself more than it was made with", async () => {
  await using all = await Site.start();
  const { bob, ann } = all.tokens;
  // A scope is what is taken away: of a user's, "admin" leaves a user.
  const made = await all.call<{ token: string }>(bob, "POST", "/v1/tokens", {
    name: "wish",
    scope: { access: "admin" },
  });
  strictEqual(made.status, 200, JSON.stringify(made.body));
  const { token } = made.body;
  for (const path of ["/v1/users", "/v1/audit", "/v1/plugins"]) {
    strictEqual((await all.call(token, "GET", path)).status, 403, path);
  }
  const raises: [string, string, unknown?][] = [
    ["POST", "/v1/tokens", { name: "more", scope: { access: "admin" } }],
    ["POST", "/v1/users/bob/password", {
      password: "taken over now",
      oldPassword: "the old password",
    }],
    ["POST", "/v1/users/bob/role", { role: "admin" }],
    ["GET", "/v1/tokens"],
    ["GET", "/v1/sessions"],
    ["POST", "/v1/logout"],
  ];
  const rootToken = await all.token("root", { access: "admin" });
  for (const [method, path, body] of raises) {
    const { status } = await all.call(token, method, path, body);
    strictEqual(status, 403, `${method} ${path}`);
    if (path.endsWith("/role")) continue;
    // Not even an administrator's makes tokens or passwords.
    const other = await all.call(rootToken, method, path, body);
    strictEqual(other.status, 403, `${method} ${path} as administrator`);
  }
  // For somebody else: there is nobody, as far as one may know.
  for (const user of ["root", "ann", "nobody"]) {
    const asked = { user, name: "x", scope: { access: "act" } };
    const { status } = await all.call(bob, "POST", "/v1/tokens", asked);
    ok(status === 403 || status === 404, `${user}: ${status}`);
  }
  // One for some VMs comes to no others by what is not a name: ids of requests
  // and operations, patterns, uids, nor by making one known under their name.
  const confined = await all.token("ann", { vms: ["*.lab"] });
  const sent = await all.call<
    { request: string; outcomes: { operation: string }[] }
  >(ann, "POST", "/v1/requests", {
    id: "request-of-ann",
    verb: "pause",
    names: ["key.vault"],
  });
  const operation = sent.body.outcomes[0]?.operation ?? "";
  const { uid } = await all.site.vm("key.vault.ann");
  const again = { id: "request-of-ann", verb: "pause", names: ["key.vault"] };
  const tries: [string, string, unknown?][] = [
    ["GET", "/v1/requests/request-of-ann"],
    ["GET", "/v1/requests/request-of-ann/follow"],
    ["POST", "/v1/requests/request-of-ann/cancel"],
    ["GET", `/v1/operations/${operation}`],
    ["POST", `/v1/operations/${operation}/cancel`],
    ["GET", `/v1/vms/${uid}`],
    ["GET", "/v1/clusters/vault.ann"],
    ["GET", "/v1/quotas/vault.ann"],
    ["POST", "/v1/requests", again],
    ["POST", "/v1/requests", { verb: "poweroff", names: [uid] }],
    ["POST", "/v1/requests", { verb: "poweroff", names: ["*.vault"] }],
    ["POST", "/v1/requests", { verb: "register", names: ["new.vault"] }],
  ];
  for (const [method, path, body] of tries) {
    const { status, body: told } = await all.call(confined, method, path, body);
    ok(status === 403 || status === 404, `${method} ${path}: ${status}`);
    ok(!JSON.stringify(told).includes("sim"), "nothing of it is told");
  }
});

Deno.test("attack: names that are paths, and methods that are odd, open nothing and break nothing", async () => {
  await using all = await Site.start();
  const { site, tokens: { bob } } = all;
  const names = [
    "..",
    "%2e%2e",
    "..%2f..%2fusers",
    "%2e%2e%2fusers%2froot",
    "web.lab.ann%00",
    "web.lab.ann%2fconsole",
    "web%2elab%2eann",
    "WEB.LAB.ANN",
    "__proto__",
    "constructor",
    "toString",
    "%ff%fe",
    "%",
    "x".repeat(3000),
    "*.*.*",
    "ann%20or%201=1",
  ];
  const roots = [
    "vms",
    "users",
    "clusters",
    "quotas",
    "operations",
    "requests",
  ];
  for (const root of [...roots, "nodes", "tokens", "sessions"]) {
    for (const name of names) {
      const odd = root === "vms" ? ["HEAD", "PROPFIND", "OPTIONS"] : [];
      for (const method of ["GET", "DELETE", "POST", ...odd]) {
        const path = `/v1/${root}/${name}`;
        const response = await site.client.fetch(site.site.url + path, {
          method,
          headers: { authorization: `Bearer ${bob}` },
        });
        const text = await response.text();
        ok(
          [400, 403, 404].includes(response.status),
          `${method} ${path}: ${response.status} ${text}`,
        );
        ok(!/\bat .*\.ts/.test(text), text);
      }
    }
  }
  // Whose one may not see is there for nobody, whatever is asked of it.
  for (const { method, path } of Object.values(ROUTES)) {
    if (!path.startsWith("/v1/vms/{name}")) continue;
    const filled = path.replace("{name}", "key.vault.ann");
    strictEqual((await all.call(bob, method, filled)).status, 404, filled);
  }
  for (const header of ["bearer x", "Basic cm9vdDpyb290", `Bearer  ${bob}`]) {
    const response = await site.client.fetch(`${site.site.url}/v1/vms`, {
      headers: { authorization: header },
    });
    strictEqual(response.status, 401, header);
    await response.body?.cancel();
  }
});

Deno.test("attack: guesses count by where they come from, whatever headers say, and a login tells no names", async () => {
  await using all = await Site.start();
  const { site } = all;
  const answers: string[] = [];
  // Ten of an address are free, whomever it tries.
  for (let i = 0; i < 14; i++) {
    const user = ["ann", "nobody", "root", `guess-${i}`][i % 4];
    const response = await site.client.fetch(`${site.site.url}/v1/login`, {
      method: "POST",
      headers: {
        "x-forwarded-for": `198.51.100.${i}`,
        forwarded: `for=198.51.100.${i}`,
        "x-real-ip": `198.51.100.${i}`,
      },
      body: JSON.stringify({ user, password: "a guess" }),
    });
    const { detail } = await response.json() as Problem;
    answers.push(`${response.status} ${detail}`);
  }
  deepStrictEqual(
    [...new Set(answers)].map((answer) => answer.replace(/\d+ s$/, "")),
    [
      "401 User name or password is wrong",
      "429 Too many failed logins from this address",
    ],
  );
});
