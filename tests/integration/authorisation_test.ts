/**
 * Who may see and do what: an administrator everything, a user their own VMs,
 * a viewer may look at everything and change nothing. On every route.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { VmView } from "../../src/schema/change.ts";
import type { Operation, Result } from "../../src/schema/operation.ts";
import type { Problem } from "../../src/schema/problem.ts";
import type { Role } from "../../src/schema/stored.ts";
import { type RouteName, ROUTES } from "../../src/schema/route.ts";
import { type Line, Reader } from "../support/reader.ts";
import { TestSite } from "../support/site.ts";

const WHO = ["ann", "bob", "vic", "amy"] as const;
type Who = typeof WHO[number];

/** A site with two users, a viewer and a second administrator, and a VM of ann's that runs. */
class Shared implements AsyncDisposable {
  readonly site: TestSite;
  readonly tokens: Readonly<Record<Who, string>>;
  /** What ann asked, and the operation that it became. */
  readonly request: string;
  readonly operation: string;

  private constructor(
    site: TestSite,
    tokens: Readonly<Record<Who, string>>,
    asked: Result,
  ) {
    this.site = site;
    this.tokens = tokens;
    this.request = asked.request;
    this.operation = asked.outcomes[0]?.operation ?? "";
  }

  static async start(): Promise<Shared> {
    const site = await TestSite.start();
    const { accounts } = site.site.controller.site;
    const open = async (name: Who, role: Role) => {
      await accounts.create(name, role, "password");
      return (await accounts.openSession(name, 600_000)).token;
    };
    const tokens = {
      ann: await open("ann", "user"),
      bob: await open("bob", "user"),
      vic: await open("vic", "viewer"),
      amy: await open("amy", "admin"),
    };
    const { body } = await site.call<{ result: Result }>(
      "POST",
      "/v1/requests?follow=1",
      { verb: "start", names: ["web"] },
      tokens.ann,
    );
    return new Shared(site, tokens, body.result);
  }

  async call<T = Problem>(
    who: Who,
    method: string,
    path: string,
    body?: unknown,
  ) {
    return await this.site.call<T>(method, path, body, this.tokens[who]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
  }
}

/**
 * What ann (who has the VM), bob (who has not), vic (who may look) and amy (an
 * administrator who has nothing) are answered.
 */
const ANSWERS: Readonly<
  Record<RouteName, readonly [number, number, number, number]>
> = {
  version: [200, 200, 200, 200],
  ca: [200, 200, 200, 200],
  openapi: [200, 200, 200, 200],
  docs: [200, 200, 200, 200],
  login: [401, 401, 401, 401],
  whoami: [200, 200, 200, 200],
  vms: [200, 200, 200, 200],
  nodes: [200, 200, 200, 200],
  node: [200, 200, 200, 200],
  operations: [200, 200, 200, 200],
  vm: [200, 404, 200, 200],
  operation: [200, 404, 200, 200],
  request: [200, 404, 200, 200],
  follow: [200, 404, 200, 200],
  // A WebSocket is missing, which is asked for once it is known who may.
  console: [400, 404, 403, 400],
  submit: [200, 404, 403, 200],
  plan: [200, 404, 403, 200],
  explain: [200, 404, 200, 200],
  // It has ended, which is said to who may know.
  cancel: [409, 404, 403, 409],
  cancelRequest: [200, 404, 403, 200],
  clusters: [200, 200, 200, 200],
  cluster: [200, 404, 200, 200],
  createCluster: [200, 403, 403, 200],
  // It has VMs, which is said to who may know.
  deleteCluster: [409, 404, 403, 409],
  shareCluster: [200, 404, 403, 200],
  unshareCluster: [200, 404, 403, 200],
  quotas: [200, 200, 200, 200],
  quota: [200, 404, 200, 200],
  setQuota: [403, 403, 403, 200],
  nodeToken: [403, 403, 403, 200],
  declareDead: [403, 403, 403, 409],
  drain: [403, 403, 403, 200],
  drainPlan: [403, 403, 403, 200],
  undrain: [403, 403, 403, 200],
  nodeOperations: [200, 200, 200, 200],
  nodeOperation: [404, 404, 404, 404],
  cancelNodeOperation: [403, 403, 403, 404],
  reloadConfig: [403, 403, 403, 200],
  plugins: [403, 403, 403, 200],
  plugin: [403, 403, 403, 200],
  enablePlugin: [403, 403, 403, 200],
  disablePlugin: [403, 403, 403, 200],
  forgetPlugin: [403, 403, 403, 200],
  shadowPlugin: [403, 403, 403, 400],
  endShadow: [403, 403, 403, 409],
  reloadPlugins: [403, 403, 403, 200],
  pluginLogs: [403, 403, 403, 200],
  recordedEvents: [403, 403, 403, 200],
  // The owner of the state directory alone.
  state: [403, 403, 403, 403],
  watch: [400, 400, 400, 400],
  sessions: [200, 200, 200, 200],
  endSession: [404, 404, 404, 404],
  users: [403, 403, 403, 200],
  user: [200, 404, 404, 200],
  createUser: [403, 403, 403, 200],
  setRole: [403, 403, 403, 200],
  setPassword: [400, 404, 404, 200],
  disableUser: [403, 403, 403, 200],
  enableUser: [403, 403, 403, 200],
  deleteUser: [403, 403, 403, 409],
  tokens: [200, 200, 200, 200],
  createToken: [400, 400, 400, 400],
  revokeToken: [404, 404, 404, 404],
  audit: [403, 403, 403, 200],
  auditHead: [403, 403, 403, 200],
  logout: [200, 200, 200, 200],
};

const BODIES: Partial<Record<RouteName, unknown>> = {
  login: { user: "ann", password: "wrong" },
  submit: { verb: "pause", names: ["web.default.ann"] },
  plan: { verb: "pause", names: ["web.default.ann"] },
  createCluster: { name: "default.ann" },
  shareCluster: { with: { kind: "user", name: "eve" }, level: "view" },
  unshareCluster: { with: { kind: "user", name: "eve" } },
  setQuota: { vms: 5 },
  nodeToken: {},
  drain: {},
  drainPlan: {},
  createUser: { name: "zed", password: "battery staple" },
  setRole: { role: "user" },
  setPassword: { password: "battery staple" },
  cancel: {},
  logout: {},
};

/** The path of a route, about what ann has, or the parts of the site. */
function pathOf(name: RouteName, { request, operation }: Shared): string {
  const { path } = ROUTES[name];
  const ABOUT: readonly [string, string][] = [
    ["nodes", "n1"],
    ["users", "ann"],
    ["clusters", "default.ann"],
    ["plugins", "users"],
  ];
  const [, about] = ABOUT.find(([part]) => path.includes(part)) ?? [];
  return path.replace("{id}", path.includes("requests") ? request : operation)
    .replace("{subject}", "ann")
    .replace("{name}", about ?? "web.default.ann") +
    (name === "watch" ? "?since=x" : "");
}

async function answered(
  shared: Shared,
  who: Who,
  name: RouteName,
): Promise<number> {
  const { method } = ROUTES[name];
  const path = pathOf(name, shared);
  return (await shared.call(who, method, path, BODIES[name])).status;
}

Deno.test("authorisation: every route answers owner, stranger and viewer as it should", async (t) => {
  await using shared = await Shared.start();
  deepStrictEqual(
    Object.keys(ANSWERS).toSorted(),
    Object.keys(ROUTES).toSorted(),
    "a new route needs a line here",
  );
  for (const [name, [ann, bob, vic]] of Object.entries(ANSWERS)) {
    await t.step(name, async () => {
      const got: number[] = [];
      for (const who of ["ann", "bob", "vic"] as const) {
        got.push(await answered(shared, who, name as RouteName));
      }
      deepStrictEqual(got, [ann, bob, vic]);
    });
  }
});

// On a site of its own: an administrator is let do what takes it from the others.
Deno.test("authorisation: every route answers an administrator who owns nothing as it should", async (t) => {
  await using shared = await Shared.start();
  for (const [name, [, , , amy]] of Object.entries(ANSWERS)) {
    await t.step(name, async () => {
      strictEqual(await answered(shared, "amy", name as RouteName), amy);
    });
  }
});

Deno.test("authorisation: lists hold one's own, and a viewer's everything", async () => {
  await using shared = await Shared.start();
  const names = async (who: Who, query = "") =>
    (await shared.call<{ vms: VmView[] }>(who, "GET", `/v1/vms${query}`))
      .body.vms.map(({ name }) => name);
  const verbs = async (who: Who) =>
    (await shared.call<{ operations: Operation[] }>(
      who,
      "GET",
      "/v1/operations",
    )).body.operations.map(({ verb }) => verb);
  deepStrictEqual(await names("ann"), ["web.default.ann"]);
  deepStrictEqual(await names("bob"), []);
  deepStrictEqual(await names("bob", "?names=*.*.*"), []);
  deepStrictEqual(await names("vic"), ["web.default.ann"]);
  deepStrictEqual(
    [await verbs("ann"), await verbs("bob"), await verbs("vic")],
    [["start"], [], ["start"]],
  );
});

Deno.test("authorisation: nobody touches, or makes, what is another's", async () => {
  await using shared = await Shared.start();
  const { uid } = await shared.site.vm("web.default.ann");
  for (const names of [["web.default.ann"], ["*.*.ann"], [uid]]) {
    for (
      const verb of ["pause", "poweroff", "destroy", "cycle", "unregister"]
    ) {
      const { status, body } = await shared.call(
        "bob",
        "POST",
        "/v1/requests",
        {
          verb,
          names,
        },
      );
      deepStrictEqual([status, body.code], [404, "not_found"], verb);
      ok(!JSON.stringify(body.hint).includes("web"), "nothing is given away");
    }
  }
  for (const name of ["web.default.ann", "new.default.ann", "x.n1.found"]) {
    const { body } = await shared.call("bob", "POST", "/v1/requests", {
      verb: "start",
      names: [name],
    });
    strictEqual(body.code, "permission_denied", name);
  }
  strictEqual(
    (await shared.site.vm("web.default.ann")).status.state,
    "running",
  );
});

Deno.test("authorisation: two users' VMs of one name are two, and an administrator is asked which", async () => {
  await using shared = await Shared.start();
  const { body } = await shared.call<Result>("bob", "POST", "/v1/requests", {
    verb: "start",
    names: ["web"],
  });
  strictEqual(body.outcomes[0]?.vm, "web.default.bob");
  const problem = await shared.site.refusal("pause", ["web"]);
  match(problem.detail, /could be 2 VMs: web\.default\.ann, web\.default\.bob/);
  const { body: own } = await shared.call<VmView>("bob", "GET", "/v1/vms/web");
  strictEqual(own.name, "web.default.bob");
});

Deno.test("authorisation: a request id of another's is not told of", async () => {
  await using shared = await Shared.start();
  const body = { id: "shared-id-1", verb: "register", names: ["x"] };
  strictEqual(
    (await shared.call("ann", "POST", "/v1/requests", body)).status,
    200,
  );
  const { status, body: problem } = await shared.call(
    "bob",
    "POST",
    "/v1/requests",
    body,
  );
  deepStrictEqual([status, problem.code], [409, "already_exists"]);
});

Deno.test("authorisation: a watcher hears of one's own VMs and operations alone", async () => {
  await using shared = await Shared.start();
  const { site, tokens } = shared;
  await using bob = await Reader.open(site, "/v1/watch", tokens.bob);
  await using vic = await Reader.open(site, "/v1/watch", tokens.vic);
  const isSynced = ({ type }: Line) => type === "synced";
  const first = await bob.until(isSynced);
  await vic.until(isSynced);
  await shared.call("ann", "POST", "/v1/requests?follow=1", {
    verb: "destroy",
    names: ["web"],
  });
  await shared.call("bob", "POST", "/v1/requests?follow=1", {
    verb: "start",
    names: ["own"],
  });
  const isOwn = ({ type, kind, value }: Line) =>
    type === "put" && kind === "operation" &&
    (value as Operation).vm === "own.default.bob" &&
    (value as Operation).state === "succeeded";
  const heard = JSON.stringify([...first, ...await bob.until(isOwn)]);
  ok(!heard.includes("default.ann"), heard);
  const seen = JSON.stringify(await vic.until(isOwn));
  ok(seen.includes("web.default.ann") && seen.includes("own.default.bob"));
});
