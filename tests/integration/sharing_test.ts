/**
 * Clusters that are shared: what others see and may do, from when a share
 * begins until it ends, on every way to a VM.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type {
  ClusterAnswer,
  ClusterView,
  ShareAnswer,
} from "../../src/schema/cluster.ts";
import type { VmView } from "../../src/schema/change.ts";
import type { Result } from "../../src/schema/operation.ts";
import type { Problem } from "../../src/schema/problem.ts";
import { type Line, Reader } from "../support/reader.ts";
import { TestSite, type TestSiteOptions } from "../support/site.ts";

const FOLLOW = "/v1/requests?follow=1";

/** A site with ann, bob, and cid, who is of a directory's group "ops". */
class People implements AsyncDisposable {
  readonly site: TestSite;
  readonly tokens: Readonly<Record<string, string>>;

  private constructor(site: TestSite, tokens: Record<string, string>) {
    this.site = site;
    this.tokens = tokens;
  }

  static async start(options: TestSiteOptions = {}): Promise<People> {
    const site = await TestSite.start(options);
    const { accounts } = site.site.controller.site;
    const tokens: Record<string, string> = {};
    for (const name of ["ann", "bob", "cid"]) {
      await accounts.create(name, "user", "password");
      const groups = name === "cid" ? ["ops"] : [];
      const known = { role: null, groups };
      tokens[name] = (await accounts.sessions.open(name, known, 600_000)).token;
    }
    return new People(site, tokens);
  }

  async call<T = Problem>(
    who: string,
    method: string,
    path: string,
    body?: unknown,
  ) {
    return await this.site.call<T>(method, path, body, this.tokens[who]);
  }

  /** Asks `verb` for `names`, and waits for what becomes of it. */
  async run(who: string, verb: string, ...names: string[]): Promise<Result> {
    const { status, body } = await this.call<{ result: Result }>(
      who,
      "POST",
      FOLLOW,
      { verb, names },
    );
    strictEqual(status, 200, JSON.stringify(body));
    return body.result;
  }

  async names(who: string): Promise<string[]> {
    const { body } = await this.call<{ vms: VmView[] }>(who, "GET", "/v1/vms");
    return body.vms.map(({ name }) => name);
  }

  async share(
    cluster: string,
    level: string,
    kind = "user",
    name = "bob",
  ): Promise<ClusterAnswer> {
    const path = `/v1/clusters/${cluster}/share`;
    const asked = { with: { kind, name }, level };
    const answer = await this.call<ClusterAnswer>("ann", "POST", path, asked);
    strictEqual(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  }

  async unshare(cluster: string, kind = "user", name = "bob") {
    const path = `/v1/clusters/${cluster}/unshare`;
    const asked = { with: { kind, name } };
    return await this.call<ClusterAnswer>("ann", "POST", path, asked);
  }

  async watch(who: string, more = ""): Promise<Reader> {
    const path = `/v1/watch?kinds=vm,cluster${more}`;
    return await Reader.open(this.site, path, this.tokens[who]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
  }
}

Deno.test("sharing for view shows a cluster's VMs and lets nobody change them", async () => {
  await using people = await People.start();
  await people.run("ann", "start", "db.lab", "other");
  await people.share("lab", "view");
  deepStrictEqual(await people.names("bob"), ["db.lab.ann"]);
  deepStrictEqual(await people.names("cid"), []);
  const ask = (verb: string, name: string) =>
    people.call("bob", "POST", "/v1/requests", { verb, names: [name] });
  strictEqual((await ask("pause", "db.lab.ann")).status, 403);
  strictEqual((await ask("start", "new.lab.ann")).status, 403);
  strictEqual((await ask("pause", "*.lab.ann")).status, 404);
  const console = "/v1/vms/db.lab.ann/console";
  strictEqual((await people.call("bob", "GET", console)).status, 403);
  const shown = await people.call("bob", "GET", "/v1/vms/db.lab.ann");
  strictEqual(shown.status, 200);
  const again = await people.call("bob", "POST", "/v1/clusters/lab.ann/share", {
    with: { kind: "user", name: "cid" },
    level: "view",
  });
  strictEqual(again.status, 403);
});

Deno.test("sharing tells nobody who has an account", async () => {
  await using people = await People.start();
  for (const cluster of ["lab", "web", "top"]) {
    await people.call("ann", "POST", "/v1/clusters", { name: cluster });
  }
  const doubt = async (cluster: string, name: string, kind = "user") => {
    const path = `/v1/clusters/${cluster}/share`;
    const body = { with: { kind, name }, level: "view" };
    const answer = await people.call<ShareAnswer>("ann", "POST", path, body);
    strictEqual(answer.status, 200, JSON.stringify(answer.body));
    return answer.body.doubt ?? "";
  };
  const [there, none] = [await doubt("lab", "bob"), await doubt("lab", "bop")];
  match(there, /nothing that you see belongs to a user "bob"/);
  // The one shared with before is near, which ann knows by herself.
  strictEqual(
    none.replace('; did you mean "bob"?', ""),
    there.replace("bob", "bop"),
  );
  strictEqual(await doubt("web", "bob"), "");
  match(await doubt("web", "cidd"), /"cidd": look at the spelling$/);
  match(await doubt("web", "ops", "group"), /you are in no group "ops"/);
  // Whose clusters one sees is known.
  await people.call("cid", "POST", "/v1/clusters", { name: "own" });
  const withAnn = { with: { kind: "user", name: "ann" }, level: "view" };
  await people.call("cid", "POST", "/v1/clusters/own/share", withAnn);
  strictEqual(await doubt("lab", "cid"), "");
  match(await doubt("top", "cidd2"), /did you mean "cidd?"\?$/);
});

Deno.test("sharing for control gives every verb, by whole names only", async () => {
  await using people = await People.start();
  await people.run("ann", "start", "db.lab");
  await people.share("lab", "control", "group", "ops");
  const made = await people.run("cid", "start", "web.lab.ann");
  strictEqual(made.outcomes[0]?.state, "succeeded");
  deepStrictEqual(await people.names("ann"), ["db.lab.ann", "web.lab.ann"]);
  // Its own VMs are meant by less than a whole name, whatever is shared.
  await people.run("cid", "start", "db.lab");
  const paused = await people.run("cid", "pause", "*.lab");
  deepStrictEqual(paused.outcomes.map(({ vm }) => vm), ["db.lab.cid"]);
  const all = await people.run("cid", "poweroff", "*.lab.ann");
  strictEqual(all.outcomes.length, 2);
  const deleted = await people.call("cid", "DELETE", "/v1/clusters/lab.ann");
  strictEqual(deleted.status, 403);
  const shown = await people.call<ClusterView>(
    "cid",
    "GET",
    "/v1/clusters/lab.ann",
  );
  deepStrictEqual(shown.body.shares.map(({ level }) => level), ["control"]);
});

Deno.test("a share that begins or ends shows and hides VMs in a watch at once", async () => {
  await using people = await People.start();
  await people.run("ann", "start", "db.lab", "web.lab");
  await using reader = await people.watch("bob");
  await reader.until(({ type }) => type === "synced");
  await people.share("lab", "view");
  const shown = await reader.until(isOf("put", "cluster"));
  deepStrictEqual(namesIn(shown, "vm"), ["db.lab.ann", "web.lab.ann"]);
  await people.run("ann", "pause", "db.lab");
  await reader.until((line) =>
    line.type === "put" &&
    (line["value"] as VmView).status?.state === "paused"
  );
  await people.run("ann", "destroy", "web.lab");
  await reader.until(({ type, name }) =>
    type === "delete" && name === "web.lab.ann"
  );
  await people.unshare("lab");
  const hidden = await reader.until(isOf("delete", "cluster"));
  deepStrictEqual(
    hidden.map(({ type, name }) => [type, name]),
    [["delete", "db.lab.ann"], ["delete", "lab.ann"]],
  );
  await people.run("ann", "destroy", "db.lab");
  await people.run("bob", "start", "mine");
  const after = await reader.until(isOf("put", "vm"));
  deepStrictEqual(after.filter(({ name }) => name === "db.lab.ann"), []);
});

Deno.test("a watch that is resumed over a change of a share begins anew", async () => {
  await using people = await People.start();
  await people.run("ann", "start", "db.lab");
  await people.share("lab", "view");
  let revision = 0;
  {
    await using reader = await people.watch("bob");
    const lines = await reader.until(({ type }) => type === "synced");
    deepStrictEqual(namesIn(lines, "vm"), ["db.lab.ann"]);
    revision = lines.at(-1)?.["revision"] as number;
  }
  await people.run("ann", "pause", "db.lab");
  {
    await using reader = await people.watch("bob", `&since=${revision}`);
    const [hello] = await reader.until(isOf("put", "vm"));
    strictEqual(hello?.["reset"], false);
  }
  await people.unshare("lab");
  await using reader = await people.watch("bob", `&since=${revision}`);
  const lines = await reader.until(({ type }) => type === "synced");
  strictEqual(lines[0]?.["reset"], true);
  deepStrictEqual(namesIn(lines, "vm"), []);
});

Deno.test("clusters are made, found, refused while they have VMs, and deleted", async () => {
  await using people = await People.start();
  const create = (who: string, name: string) =>
    people.call<ClusterAnswer & Problem>(who, "POST", "/v1/clusters", { name });
  const made = await create("ann", "lab");
  deepStrictEqual([made.body.cluster.name, made.body.changed], [
    "lab.ann",
    true,
  ]);
  strictEqual((await create("ann", "lab")).body.changed, false);
  strictEqual((await create("ann", "lab.bob")).status, 403);
  strictEqual((await create("ann", "LAB")).status, 400);
  await people.run("ann", "register", "db.lab");
  const remove = () =>
    people.call<Problem>("ann", "DELETE", "/v1/clusters/lab");
  const refused = await remove();
  strictEqual(refused.status, 409);
  match(refused.body.detail, /"lab\.ann": it has 1 VM \(db\.lab\.ann\)/);
  await people.run("ann", "destroy", "db.lab");
  strictEqual((await remove()).status, 200);
  strictEqual((await remove()).status, 404);
});

function isOf(type: string, kind: string): (line: Line) => boolean {
  return (line) => line.type === type && line["kind"] === kind;
}

function namesIn(lines: readonly Line[], kind: string): string[] {
  return lines.filter((line) => line["kind"] === kind)
    .map(({ value }) => (value as { name: string }).name).toSorted();
}
