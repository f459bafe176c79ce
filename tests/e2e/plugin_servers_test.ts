/**
 * The plugins that speak to servers in the compiled executable, as an
 * administrator sets them up, against BIND, slapd and PostgreSQL: a VM gets an
 * address, a name and a place in the history, its cluster a branch in the
 * directory, and all of it also when the controller dies in between.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  notStrictEqual,
  strictEqual,
} from "node:assert/strict";
import { BindServer } from "../support/bind_server.ts";
import { compiledUsher } from "../support/compiled.ts";
import { PostgresServer } from "../support/postgres_server.ts";
import { RolesSite } from "../support/roles_site.ts";
import { SlapdServer } from "../support/slapd_server.ts";
import { until } from "../support/wait.ts";

const LDIF = `dn: dc=test
objectClass: domain
dc: test

dn: cn=usher,dc=test
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: usher
userPassword: service-secret

dn: ou=clusters,dc=test
objectClass: organizationalUnit
ou: clusters

dn: uid=ann,dc=test
objectClass: account
objectClass: simpleSecurityObject
uid: ann
userPassword: ann-secret

dn: cn=ops,dc=test
objectClass: groupOfNames
cn: ops
member: uid=ann,dc=test
`;

/** What `ctrl.yaml` says, and the files with secrets that it names. */
async function configuration(
  { bind, slapd, postgres }: Servers,
): Promise<string> {
  const key = await bind.dir.write("key", bind.key.secret);
  const password = await postgres.dir.write("pw", postgres.login.password);
  const service = await slapd.dir.write("service", "service-secret");
  const { host, port, user } = postgres.login;
  const database = await postgres.database();
  return `
name_suffix: vm.test
plugins:
  udns:
    events: [register, state_change, unregister, ctrl_start, udns_retry, udns_repair]
    options:
      server: ${bind.host}
      port: ${bind.port}
      key: ${bind.key.name}
      secret_file: ${key}
      reverse_zones: [1.10.in-addr.arpa]
    grants:
      net: ["${bind.host}:${bind.port}"]
      read: [${key}]
      ctx: [vms, state, schedule]
  uipmgr:
    events: [request, start_request, register, start_failure, unregister, ctrl_start]
    options:
      dfltrange: lab
      ranges:
        lab: { ipv4: { network: 10.1.0.0/24, gateway: 10.1.0.1 }, vlan: 12 }
      server: ${host}
      port: ${port}
      db_name: ${database}
      mgrname: ${user}
      mgrpw_file: ${password}
    grants:
      net: ["${host}:${port}"]
      read: [${password}]
      ctx: [vms, state]
  uldap:
    events: [{ event: client_authenticate, order: 1 }, cluster_register, ctrl_start, uldap_retry]
    options:
      server: ${slapd.host}
      port: ${slapd.port}
      ca_file: ${slapd.caFile}
      bind_dn: cn=usher,dc=test
      password_file: ${service}
      user_dn: uid={user},dc=test
      groups: { base: dc=test }
      roles: { admin: [ops] }
      clusters: { base: "ou=clusters,dc=test" }
    grants:
      net: ["${slapd.host}:${slapd.port}"]
      read: [${slapd.caFile}, ${service}]
      ctx: [clusters, schedule]
  history:
    events: [register, unregister, start, lnm_connect, ctrl_start, history_flush]
    options:
      server: ${host}
      port: ${port}
      db_name: ${database}
      user: ${user}
      password_file: ${password}
    grants:
      net: ["${host}:${port}"]
      read: [${password}]
      write: []
      ctx: [usage, state, schedule]
`;
}

interface Servers {
  readonly bind: BindServer;
  readonly slapd: SlapdServer;
  readonly postgres: PostgresServer;
}

Deno.test("the executable: plugins that speak to servers give VMs addresses, names and a history, also over a death of the controller", async () => {
  const usher = await compiledUsher();
  await using stack = new AsyncDisposableStack();
  const bind = stack.use(await BindServer.start());
  const slapd = stack.use(await SlapdServer.start(LDIF));
  const postgres = stack.use(await PostgresServer.start());
  const site = stack.use(
    await RolesSite.start(
      usher,
      "sim",
      await configuration({ bind, slapd, postgres }),
    ),
  );
  const name = (vm: string) => `${vm}.default.admin.vm.test`;
  const args = async (vm: string): Promise<Record<string, string>> =>
    JSON.parse(await site.usher("vm", "show", vm, "-o", "json")).args;

  await site.usher("vm", "start", "-n", "2", "web");
  const [one, two] = [await args("web-1"), await args("web-2")];
  deepStrictEqual([one["ip"], two["ip"], one["vlan"]], [
    "10.1.0.2",
    "10.1.0.3",
    "12",
  ]);
  notStrictEqual(one["lease"], two["lease"]);
  deepStrictEqual(await bind.dig(name("web-1"), "A"), ["10.1.0.2"]);
  deepStrictEqual(await bind.dig("3.0.1.10.in-addr.arpa", "PTR"), [
    `${name("web-2")}.`,
  ]);
  await until("the cluster has its branch", async () => {
    const base = "ou=default.admin,ou=clusters,dc=test";
    return (await slapd.find(base, "(cn=admin)", "cn")).length > 0;
  });
  const forged = await site.run(["vm", "cycle", "web-1", "ip=10.1.0.9"]);
  match(forged.err, /Plugin "uipmgr" refuses/);

  // The name server is away while a VM comes and the controller dies.
  await bind.down();
  await site.usher("vm", "start", "db");
  await site.ctrl.kill();
  await bind.up();
  await site.startCtrl();
  await until(
    "the name that nobody could be told is there",
    async () => (await bind.dig(name("db"), "A"))[0] === "10.1.0.4",
    { deadlineMs: 60_000 },
  );

  const login = await site.run([
    ...["login", site.url, "--user", "ann", "--password-stdin"],
  ], "ann-secret");
  strictEqual(login.code, 0, login.err);
  match(await site.usher("whoami"), /ann[^]*admin/);

  await site.usher("vm", "destroy", "web-1.default.admin", "db.default.admin");
  await until(
    "their names are gone",
    async () =>
      (await bind.dig(name("web-1"), "A")).length +
          (await bind.dig(name("db"), "A")).length === 0,
  );
  await using sql = postgres.connect("db1");
  await until("their addresses are free", async () => {
    const rows = await sql`select host(address) as ip from usher_ip.lease`;
    return rows.length === 1 && rows[0]?.["ip"] === "10.1.0.3";
  });
  const rows = await until("their history is whole", async () => {
    const all = await sql`
      select event, vm from usher_history.vm_event
      where vm = 'db.default.admin' order by at`;
    return all.length >= 2 ? all : null;
  });
  deepStrictEqual(rows.map(({ event }) => event), ["register", "unregister"]);
});
