/**
 * The plugins that speak to servers in the real sandbox: each in a worker that
 * may reach its own server and read its own files, and nothing else.
 *
 * @module
 */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { StartValue } from "../../../src/schema/event_value.ts";
import { BindServer } from "../../support/bind_server.ts";
import { aVm, startRequest } from "../../support/plugin_values.ts";
import { PostgresServer } from "../../support/postgres_server.ts";
import { Sandbox } from "../../support/sandbox.ts";
import { SlapdServer } from "../../support/slapd_server.ts";

const LDIF = `dn: dc=test
objectClass: domain
dc: test

dn: uid=ann,dc=test
objectClass: account
objectClass: simpleSecurityObject
uid: ann
userPassword: ann-secret
`;

Deno.test("plugins that speak to servers work in the sandbox, with their own server and files alone", async (t) => {
  await using stack = new AsyncDisposableStack();
  const [bind, slapd, postgres] = await Promise.all([
    BindServer.start(),
    SlapdServer.start(LDIF),
    PostgresServer.start(),
  ]);
  for (const server of [bind, slapd, postgres]) stack.use(server);
  const key = await bind.dir.write("key", bind.key.secret);
  const password = await postgres.dir.write("pw", postgres.login.password);
  const folder = await Deno.makeTempDir({ prefix: "usher_history_" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const file = `${folder}/history.sqlite`;
  const sandbox = stack.use(
    await Sandbox.open({
      udns: {
        events: ["register", "unregister"],
        options: {
          server: bind.host,
          port: bind.port,
          zone: "vm.test",
          key: bind.key.name,
          secret_file: key,
        },
        grants: {
          net: [`${bind.host}:${bind.port}`],
          read: [key],
          ctx: ["vms", "state", "schedule"],
        },
      },
      uipmgr: {
        events: ["start_request", "unregister"],
        options: {
          dfltrange: "lab",
          ranges: { lab: { ipv4: { network: "10.1.0.0/24" } } },
          server: postgres.login.host,
          port: postgres.login.port,
          db_name: await postgres.database(),
          mgrname: postgres.login.user,
          mgrpw_file: password,
        },
        grants: {
          net: [`${postgres.login.host}:${postgres.login.port}`],
          read: [password],
          ctx: ["vms", "state"],
        },
      },
      history: {
        events: ["register", "start"],
        options: { file },
        grants: {
          net: [],
          read: [file],
          write: [file],
          ctx: ["usage", "state", "schedule"],
        },
      },
      uldap: {
        events: ["client_authenticate"],
        options: {
          server: slapd.host,
          port: slapd.port,
          ca_file: slapd.caFile,
          user_dn: "uid={user},dc=test",
        },
        grants: {
          net: [`${slapd.host}:${slapd.port}`],
          read: [slapd.caFile],
          ctx: ["clusters", "schedule"],
        },
      },
    }),
  );

  await t.step("udns and uipmgr", async () => {
    const [request] = await sandbox.call("uipmgr", "start_request", [
      startRequest(["web.lab.ann"]),
    ]) as [StartValue];
    const args = request.vmArgs["web.lab.ann"] ?? {};
    strictEqual(args["ip"], "10.1.0.1");
    const vm = aVm("web.lab.ann", { args });
    sandbox.site.vms = [vm];
    await sandbox.call("udns", "register", [vm]);
    deepStrictEqual(await bind.dig("web.lab.ann.vm.test", "A"), ["10.1.0.1"]);
    sandbox.site.vms = [];
    await sandbox.call("udns", "unregister", [vm]);
    await sandbox.call("uipmgr", "unregister", [vm]);
    deepStrictEqual(await bind.dig("web.lab.ann.vm.test", "A"), []);
  });

  await t.step("history, in SQLite", async () => {
    const vm = aVm("web.lab.ann");
    await sandbox.call("history", "register", [vm]);
    await sandbox.call("history", "start", [vm]);
    using database = new DatabaseSync(file);
    const [row] = database.prepare("select vm, verb from operation").all();
    deepStrictEqual({ ...row }, { vm: "web.lab.ann", verb: "start" });
  });

  await t.step("uldap, by StartTLS", async () => {
    const login = (password: string) =>
      sandbox.call("uldap", "client_authenticate", [
        { user: "ann", password, address: "" },
        false,
        { role: null, groups: [] },
      ]);
    strictEqual((await login("ann-secret"))?.[1], true);
    strictEqual((await login("wrong"))?.[1], false);
  });

  const texts = sandbox.lines.map(({ text }) => text).join("\n");
  match(texts, /is 10\.1\.0\.1/);
  deepStrictEqual(
    sandbox.lines.filter(({ level }) => level !== "info").map((it) => it.text),
    [],
  );
});
