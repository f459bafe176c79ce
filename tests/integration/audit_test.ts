/**
 * The audit log of a whole site: what comes into it, what people read of it,
 * and what is said of one that was edited.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { makeBackup } from "../../src/ctrl/backup/make.ts";
import { restoreBackup } from "../../src/ctrl/backup/restore.ts";
import { checkEntries } from "../../src/ctrl/state/check.ts";
import type { AuditRecord } from "../../src/schema/audit.ts";
import { CtrlConfig } from "../../src/schema/config.ts";
import { keys } from "../../src/store/key.ts";
import type { Entry, Mutation } from "../../src/store/store.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { newId } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import type { Problem } from "../../src/schema/problem.ts";
import { LeapingClock } from "../support/leaping_clock.ts";
import { pluginOf } from "../support/local_plugins.ts";
import { Reader } from "../support/reader.ts";
import { TestSite } from "../support/site.ts";
import { withShell } from "../support/site_shell.ts";

/** All records that fit `query`. */
async function read(site: TestSite, query = ""): Promise<AuditRecord[]> {
  const response = await site.client.fetch(
    `${site.site.url}/v1/audit${query}`,
    { headers: { authorization: `Bearer ${site.site.token}` } },
  );
  strictEqual(response.status, 200);
  return (await response.text()).split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

const USERS = {
  events: ["client_authenticate", "lnm_authenticate"],
  grants: { ctx: ["accounts", "state"] },
};

Deno.test("audit: requests, logins, joins and refusals are noted, with who, what and why", async () => {
  const policy = pluginOf("policy", {
    request([request], ctx) {
      if (request.names.includes("bad")) ctx.refuse("No VM is called bad");
      return request.names.includes("soft")
        ? [{ ...request, args: { soft: "1" } }]
        : undefined;
    },
  });
  await using site = await TestSite.start({
    modules: { policy },
    ctrl: { plugins: { policy: { events: ["request"] }, users: USERS } },
  });
  const { accounts } = site.site.controller.site;
  await accounts.create("ann", "user", "the password of ann");
  const login = (password: string) =>
    site.call<{ token: string }>(
      "POST",
      "/v1/login",
      { user: "ann", password },
      null,
    );
  await login("wrong");
  const { token } = (await login("the password of ann")).body;
  const ask = (names: string[]) =>
    site.call("POST", "/v1/requests", {
      verb: "register",
      names,
      args: { note: "hello" },
    }, token);
  await ask(["web"]);
  await ask(["soft"]);
  await ask(["bad"]);
  await site.call("POST", "/v1/nodes/n1/drain", {}, token);
  await site.call("POST", "/v1/node-tokens", {});
  await site.call("GET", "/v1/vms", undefined, token);
  await site.call("GET", "/v1/vms", undefined, "no such token");

  const records = await read(site);
  const short = records.map((record) =>
    [record.user, record.verb, record.names.join(" "), record.decision].join(
      ",",
    )
  );
  for (
    const expected of [
      ",ctrl_start,,told",
      ",join,n1,told",
      "ann,login,,refused",
      "ann,login,,allowed",
      "ann,register,web,allowed",
      "ann,register,soft,allowed",
      "ann,register,bad,refused",
      "ann,drain,n1,refused",
      "admin,nodeToken,,allowed",
      ",vms,,refused",
    ]
  ) ok(short.includes(expected), `${expected} in\n${short.join("\n")}`);
  ok(!short.includes("ann,vms,,allowed"), "plain reads are many");

  const of = (names: string) =>
    records.find((record) => record.names.join(" ") === names);
  const web = of("web");
  deepStrictEqual(web?.args?.["args"], { note: "hello" });
  strictEqual(web?.address, "127.0.0.1");
  strictEqual(web?.session?.length, 12);
  strictEqual(web?.operations?.length, 1);
  const done = await site.operation(web?.operations?.[0] ?? "");
  strictEqual(done.request, web?.request);
  deepStrictEqual(of("soft")?.by, ["policy"]);
  deepStrictEqual(of("bad")?.by, ["policy"]);
  match(of("bad")?.reason ?? "", /No VM is called bad/);

  const text = JSON.stringify(records);
  ok(!text.includes("the password of ann") && !text.includes(token), text);

  deepStrictEqual(
    (await read(site, "?user=ann&decision=refused&verb=register")).map((
      { names },
    ) => names),
    [["bad"]],
  );
  strictEqual((await read(site, "?vm=web&limit=5")).length, 1);
  strictEqual((await site.call("GET", "/v1/audit?since=x")).status, 400);
  strictEqual((await site.call("GET", "/v1/audit?decision=x")).status, 400);
});

Deno.test("audit: who joins without a good token is noted as turned away, and counted when it goes on", async () => {
  await using site = await TestSite.start();
  const { nodesUrl } = site.site.controller.site;
  for (let i = 0; i < 30; i++) {
    const body = { secret: `a guess ${i}`, name: `n${i + 9}`, version: "0" };
    const answer = await site.client.fetch(`${nodesUrl}/v1/enrol`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    strictEqual(answer.status, 401);
    await answer.body?.cancel();
  }
  const joins = await read(site, "?verb=join");
  deepStrictEqual(
    joins.map(({ names, decision }) => `${names} ${decision}`),
    [
      "n1 told",
      ...Array.from({ length: 20 }, (_, i) => `n${i + 9} refused`),
    ],
  );
  ok(!JSON.stringify(joins).includes("a guess"));
});

Deno.test("audit: who does what must fail, over and over, is asked to wait, and nobody else is", async () => {
  const clock = new LeapingClock();
  await using site = await TestSite.start({ nodes: 0, clock });
  const { accounts } = site.site.controller.site;
  const tokenOf = async (user: string) => {
    await accounts.create(user, "user", "correct horse");
    return (await accounts.openSession(user, 3_600_000)).token;
  };
  const [ann, bob] = [await tokenOf("ann"), await tokenOf("bob")];
  const path = "/v1/operations/none/cancel";
  const fail = (token: string) =>
    site.call<Problem>("POST", path, undefined, token);
  const statuses = new Map<number, number>();
  // With a session of its own each, which makes no difference.
  const other = (await accounts.openSession("ann", 3_600_000)).token;
  for (let i = 0; i < 500; i++) {
    const { status } = await fail(i % 2 === 0 ? ann : other);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  deepStrictEqual([...statuses], [[404, 200], [429, 300]]);
  const turned = await fail(ann);
  match(turned.body.hint ?? "", /^try again in \d+ s$/);
  strictEqual((await fail(bob)).status, 404);
  // What waits for no verdict goes on.
  const asked = { verb: "register", names: ["web"] };
  strictEqual(
    (await site.call("POST", "/v1/requests", asked, ann)).status,
    200,
  );
  const records = await read(site, "?verb=cancel");
  const ofAnn = records.filter(({ user }) => user === "ann");
  strictEqual(ofAnn.length, 200 + 200 + 200, "allowed, failed, turned away");
  clock.leap(60_000);
  strictEqual((await fail(ann)).status, 404);
});

Deno.test("audit: with audit.reads, plain reads are noted", async () => {
  await using site = await TestSite.start({ ctrl: { audit: { reads: true } } });
  await site.call("GET", "/v1/vms");
  const [record] = await read(site, "?verb=vms");
  deepStrictEqual([record?.user, record?.decision], ["admin", "allowed"]);
});

Deno.test("audit: it can be followed, and goes on after a record", async () => {
  await using site = await TestSite.start();
  await using reader = await Reader.open(
    site,
    "/v1/audit?follow=1&verb=register&limit=0",
  );
  const heard = reader.until((line) => "seq" in line);
  await site.run("register", "web");
  const [line] = await heard;
  deepStrictEqual(line?.["names"], ["web"]);
  await site.run("register", "two");
  await using again = await Reader.open(
    site,
    `/v1/audit?follow=1&verb=register&after=${line?.["seq"]}`,
  );
  const [next] = await again.until((line) => "seq" in line);
  deepStrictEqual(next?.["names"], ["two"]);
});

Deno.test("usher audit: list, head and verify, and what verify says of an edited log", () =>
  withShell(1, async ({ site, run }) => {
    await run("vm register web");
    await run("vm register two");
    const listed = await run("audit list --verb register");
    match(listed.out, /admin .*register +two +allowed/);
    match(
      (await run("audit list --vm web -o json")).out,
      /"verb": "register"/,
    );
    strictEqual((await run("audit list --user nobody")).out, "");
    match(
      (await run("audit list --since gestern")).err,
      /"gestern" is no moment/,
    );
    const kept = (await run("audit head -o name")).out.trim();
    match(kept, /^[0-9a-f]{64}$/);
    const right = await run(`audit verify --head ${kept}`);
    strictEqual(right.code, 0, right.err);
    match(right.out, /record\(s\) are as they were written/);
    const other = await run(`audit verify --head ${"0".repeat(63)}1`);
    ok(other.code !== 0);
    match(other.err, /No record has the hash/);

    const { store } = site.site.controller.site.audit;
    const edit = async (
      change: (records: Record<string, unknown>[]) => unknown,
    ) => {
      for await (const entry of store.list(keys.auditBlocks())) {
        const value = structuredClone(entry.value) as {
          records: Record<string, unknown>[];
        };
        const before = JSON.stringify(value);
        const changed = change(value.records);
        if (changed !== undefined) value.records = changed as never;
        if (JSON.stringify(value) === before) continue;
        const { key } = entry;
        await store.commit([{ type: "set", key, value }]);
        return { key, value: entry.value };
      }
      throw new Error("nothing was edited");
    };
    const undo = (entry: Entry) => store.commit([{ type: "set", ...entry }]);

    const was = await edit((records) => {
      for (const record of records) {
        if (record["verb"] === "register") record["user"] = "bob";
      }
    });
    const wrong = await run("audit verify");
    ok(wrong.code !== 0);
    match(wrong.err, /Record \d+ was changed/);
    const entries = (await Array.fromAsync(store.snapshot()))
      .filter((one): one is Extract<Mutation, { type: "set" }> =>
        one.type === "set"
      );
    ok(
      checkEntries(entries).findings.some(({ rule }) => rule === "audit-chain"),
      "ctrl check finds it, too",
    );
    await undo(was);
    const left = await edit((records) =>
      records.filter(({ verb }) => verb !== "join")
    );
    match((await run("audit verify")).err, /Record \d+ is missing/);
    await undo(left);
    strictEqual((await run("audit verify")).code, 0);
  }));

Deno.test("audit: after a restore the chain goes on where the backup ended, says so, and knows nothing that came later", async () => {
  const folder = await Deno.makeTempDir({ prefix: "usher_audit_" });
  const stateDir = `${folder}/site`;
  const ctrlDir = `${stateDir}/ctrl`;
  const backup = `${folder}/b.backup`;
  const context = { clock: systemClock, newId, log: silentLog };
  const { signal } = new AbortController();
  let [kept, lost] = ["", ""];
  try {
    await withShell(1, async ({ run }) => {
      await run("vm register web");
      kept = (await run("audit head -o name")).out.trim();
      await makeBackup({
        ...{ context, signal, version: "1", path: backup, force: false },
        config: CtrlConfig.parse({ state_dir: ctrlDir }),
      });
      await run("vm register late");
      lost = (await run("audit head -o name")).out.trim();
    }, { stateDir });
    await Deno.rename(ctrlDir, `${folder}/old`);
    const { madeAt } = await restoreBackup({
      ...{ context, signal, path: backup, stateDir: ctrlDir },
    });
    await withShell(1, async ({ site, run }) => {
      const verified = await run(`audit verify --head ${kept}`);
      strictEqual(verified.code, 0, verified.err);
      const gone = await run(`audit verify --head ${lost}`);
      ok(gone.code !== 0);
      match(gone.err, /No record has the hash/);
      match(gone.err, /restored from a backup/);
      const [restored] = await read(site, "?verb=restore");
      deepStrictEqual(
        [restored?.via, restored?.decision, restored?.args?.["backup"]],
        ["controller", "told", madeAt],
      );
      const verbs = (await read(site)).map(({ verb }) => verb);
      ok(verbs.indexOf("restore") < verbs.lastIndexOf("ctrl_start"));
      deepStrictEqual(await read(site, "?vm=late"), []);
    }, { stateDir });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
