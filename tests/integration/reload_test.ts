/**
 * The configuration of running daemons, read anew at SIGHUP and at the word of
 * their owner: what can be taken is, what cannot is told, and a mistake changes
 * nothing.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { NodeView } from "../../src/schema/change.ts";
import type { Result } from "../../src/schema/operation.ts";
import { HttpClient } from "../../src/sys/http_client.ts";
import { Role } from "../support/role.ts";
import { until } from "../support/wait.ts";

/** A controller and a node as processes, with files that a test writes. */
class Site implements AsyncDisposable {
  readonly folder: string;
  readonly ctrl: Role;
  readonly client: HttpClient;
  readonly url: string;
  node: Role | null = null;

  private constructor(folder: string, ctrl: Role, port: string) {
    this.folder = folder;
    this.ctrl = ctrl;
    this.url = `https://127.0.0.1:${port}`;
    this.client = new HttpClient(
      Deno.readTextFileSync(`${folder}/ctrl/tls/ca.pem`),
    );
  }

  static async start(): Promise<Site> {
    const folder = await Deno.makeTempDir({ prefix: "usher_reload_" });
    await Deno.writeTextFile(`${folder}/ctrl.yaml`, "names: [127.0.0.1]\n");
    const ctrl = await Role.ready([
      ...["ctrl", "--config", `${folder}/ctrl.yaml`],
      ...["--state", `${folder}/ctrl`],
      ...["--listen-clients", "127.0.0.1:0", "--listen-nodes", "127.0.0.1:0"],
    ]);
    const [, port = ""] = /clients on port (\d+)/.exec(ctrl.out) ?? [];
    return new Site(folder, ctrl, port);
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const token = await Deno.readTextFile(`${this.folder}/ctrl/admin-token`);
    const response = await this.client.fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${token.trim()}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return await response.json() as T;
  }

  /** Starts a node; resolves once it is connected. */
  async startNode(): Promise<Role> {
    const { token } = await this.call<{ token: string }>(
      "POST",
      "/v1/node-tokens",
      {},
    );
    await Deno.writeTextFile(`${this.folder}/lnm.yaml`, "labels: {zone: a}\n");
    this.node = await Role.ready([
      ...["lnm", "--name", "n1", "--driver", "sim", "--join", token],
      ...["--config", `${this.folder}/lnm.yaml`],
      ...["--state", `${this.folder}/lnm`, "--run", `${this.folder}/run`],
    ]);
    return this.node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.node?.kill();
    await this.ctrl.kill();
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("SIGHUP and usher ctrl reload: what can be taken is, and what cannot is told", async () => {
  await using site = await Site.start();
  const { ctrl, folder } = site;
  const write = (text: string) =>
    Deno.writeTextFile(`${folder}/ctrl.yaml`, text);

  await write("names: [127.0.0.1]\nlog:\n  levl: debug\n");
  ctrl.signal("SIGHUP");
  await until(
    "the mistake is told",
    () => /not taken[^]*ctrl\.yaml:3:3[^]*levl/.test(ctrl.err),
  );

  await write(
    "names: [127.0.0.1, a.example]\nlog: {level: warn}\nsession_ttl: 2h\n",
  );
  const reload = async (...more: string[]) => {
    await using role = new Role([
      ...["ctrl", "reload", "--config", `${folder}/ctrl.yaml`],
      ...["--state", `${folder}/ctrl`, ...more],
    ]);
    const code = await role.ended();
    return { code, out: role.out, err: role.err };
  };
  const checked = await reload("--check", "--json");
  strictEqual(checked.code, 0, checked.err);
  deepStrictEqual(
    JSON.parse(checked.out).needsRestart.map(({ key }: { key: string }) => key),
    ["names"],
  );
  const { code, out, err } = await reload();
  strictEqual(code, 0, err);
  match(out, /^taken: log\.level info → warn$/m);
  match(out, /^taken: session_ttl 30d → 2h$/m);
  match(out, /^needs a restart: names /m);
  const login = await site.call<{ expiresAt: string }>("POST", "/v1/login", {
    user: "admin",
    password: /its password is (\S+)\n/.exec(ctrl.out)?.[1],
  });
  const hours = (Date.parse(login.expiresAt) - Date.now()) / 3_600_000;
  ok(hours > 1 && hours < 3, `a login lasts ${hours} hours`);

  await write("drain: {parallel: 0}\n");
  const wrong = await reload();
  strictEqual(wrong.code, 64, wrong.out);
  match(wrong.err, /ctrl\.yaml:1:9: drain\.parallel/);
  ctrl.signal("SIGTERM");
  strictEqual(await ctrl.ended(), 0, ctrl.err);
});

Deno.test("a reload takes quotas, and what and how much the audit log keeps", async () => {
  await using site = await Site.start();
  const { ctrl, folder } = site;
  const register = async (name: string) =>
    (await site.call<Result>("POST", "/v1/requests", {
      verb: "register",
      names: [name],
      spec: { driver: "sim" },
    })).outcomes[0]?.problem?.code ?? "done";
  /** The reads of VMs that the log has; this one is noted by another name. */
  const reads = async () => {
    const token = await Deno.readTextFile(`${folder}/ctrl/admin-token`);
    const answer = await site.client.fetch(`${site.url}/v1/audit?verb=vms`, {
      headers: { authorization: `Bearer ${token.trim()}` },
    });
    return (await answer.text()).split("\n").length - 1;
  };
  strictEqual(await register("first"), "done");
  await site.call("GET", "/v1/vms");
  strictEqual(await reads(), 0);
  await Deno.writeTextFile(
    `${folder}/ctrl.yaml`,
    "names: [127.0.0.1]\nquotas: {user: {vms: 1}}\naudit: {reads: true, size: 64MiB, keep: 30d}\n",
  );
  ctrl.signal("SIGHUP");
  await until("it was taken", () => /read anew[^]*audit\.reads/.test(ctrl.err));
  ok(!/needs a restart/.test(ctrl.err), ctrl.err);
  strictEqual(await register("second"), "quota_exceeded");
  await site.call("GET", "/v1/vms");
  strictEqual(await reads(), 1);
});

Deno.test("SIGHUP to a node: its labels and what it promises are told at once, and its session goes on", async () => {
  await using site = await Site.start();
  const node = await site.startNode();
  const view = async () =>
    (await site.call<{ nodes: NodeView[] }>("GET", "/v1/nodes")).nodes[0];
  deepStrictEqual((await view())?.labels, { zone: "a" });
  await Deno.writeTextFile(
    `${site.folder}/lnm.yaml`,
    "labels: {zone: b}\nusage_interval: 1 fortnight\n",
  );
  node.signal("SIGHUP");
  await until(
    "the mistake is told",
    () => /not taken[^]*lnm\.yaml:2:1/.test(node.err),
  );
  deepStrictEqual((await view())?.labels, { zone: "a" });
  await Deno.writeTextFile(
    `${site.folder}/lnm.yaml`,
    "labels: {zone: b}\novercommit: {memory: 2}\nmigration: {ports: 1000-1010}\n",
  );
  node.signal("SIGHUP");
  const after = await until("the controller hears of it", async () => {
    const now = await view();
    return now?.labels["zone"] === "b" ? now : null;
  });
  strictEqual(after.overcommit.memory, 2);
  match(node.err, /needs a restart[^]*migration\.ports/);
  await until(
    "it was resumed",
    () => /connected[^]*resumed":true/.test(node.err),
  );
});
