/**
 * `uldap` on the bench before an OpenLDAP server that has ann, bob and eve, an
 * account for the plugin, groups, and a place for branches of clusters.
 *
 * @module
 */
import * as uldap from "../../plugins/uldap/plugin.ts";
import { type Bench, onBench } from "./plugin_bench.ts";
import type { SlapdServer } from "./slapd_server.ts";

/** What the directory has. */
export const LDIF = `dn: dc=test
objectClass: domain
dc: test

dn: cn=usher,dc=test
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: usher
userPassword: service-secret

dn: ou=people,dc=test
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=test
objectClass: organizationalUnit
ou: groups

dn: ou=clusters,dc=test
objectClass: organizationalUnit
ou: clusters
${
  ["ann", "bob", "eve"].map((uid) => `
dn: uid=${uid},ou=people,dc=test
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn: ${uid}
userPassword: ${uid}-secret
`).join("")
}
dn: cn=ops,ou=groups,dc=test
objectClass: groupOfNames
cn: ops
member: uid=ann,ou=people,dc=test

dn: cn=staff,ou=groups,dc=test
objectClass: groupOfNames
cn: staff
member: uid=ann,ou=people,dc=test
member: uid=bob,ou=people,dc=test
`;

/** mia is in `inner`, that in `middle`, that in `outer`, and that in `inner` again. */
export const CIRCLE = `dn: uid=mia,ou=people,dc=test
objectClass: inetOrgPerson
uid: mia
cn: mia
sn: mia
userPassword: mia-secret

${
  [["inner", "uid=mia,ou=people"], ["middle", "cn=inner,ou=groups"], [
    "outer",
    "cn=middle,ou=groups",
  ]].map(([cn, member]) =>
    `dn: cn=${cn},ou=groups,dc=test
objectClass: groupOfNames
cn: ${cn}
member: ${member},dc=test
`
  ).join("\n")
}`;

/** The plugin, as it is configured for the directory of `LDIF`. */
export function benchFor(
  slapd: SlapdServer,
  more: Record<string, unknown>,
): Promise<Bench> {
  return onBench(uldap, {
    options: {
      server: slapd.host,
      port: slapd.port,
      ca_file: slapd.caFile,
      bind_dn: "cn=usher,dc=test",
      password_file: `${slapd.dir.path}/service`,
      users: { base: "ou=people,dc=test" },
      groups: { base: "ou=groups,dc=test" },
      roles: { admin: ["ops"], viewer: ["staff"] },
      clusters: { base: "ou=clusters,dc=test" },
      ...more,
    },
  });
}

/** What somebody shows who logs in. */
export function credentials(user: string, password: string) {
  return { user, password, address: "192.0.2.1" };
}

/** `valid` and the identity that come back; null when nothing does. */
export async function login(bench: Bench, user: string, password: string) {
  const answer = await bench.call("client_authenticate", [
    credentials(user, password),
    false,
    { role: null, groups: [] },
  ]);
  return answer?.slice(1) ?? null;
}

/** What was told beyond `info`. */
export function failures(bench: Bench): string {
  return bench.lines.filter((it) => it.level !== "info")
    .map((it) => it.text).join("\n");
}

/** A cluster as its record has it. */
export function cluster(name: string, user: string, createdBy: string) {
  const createdAt = "2026-01-01T00:00:00.000Z";
  return { v: 1 as const, name, user, createdAt, createdBy };
}
