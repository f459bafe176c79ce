/**
 * `uldap` and OpenLDAP: who may log in, with which role; branches of clusters;
 * and that no password goes where it should not.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import * as uldap from "../../../plugins/uldap/plugin.ts";
import { cutAfterStartTls } from "../../support/starttls_cutter.ts";
import { CA_B } from "../../support/certificates.ts";
import { type Bench, onBench } from "../../support/plugin_bench.ts";
import { SlapdServer } from "../../support/slapd_server.ts";
import {
  benchFor,
  CIRCLE,
  cluster,
  credentials,
  failures,
  LDIF,
  login,
} from "../../support/uldap_bench.ts";

const ANN = "uid=ann,ou=people,dc=test";
const BOB = "uid=bob,ou=people,dc=test";

Deno.test("uldap and slapd", async (t) => {
  await using slapd = await SlapdServer.start(LDIF);
  await slapd.dir.write("service", "service-secret\n");
  const step = (
    name: string,
    run: (bench: Bench, slapd: SlapdServer) => Promise<void>,
    options: Record<string, unknown> = {},
  ) =>
    t.step(name, async () => {
      await using bench = await benchFor(slapd, options);
      await run(bench, slapd);
    });
  const template = {
    users: undefined,
    user_dn: "uid={user},ou=people,dc=test",
    bind_dn: undefined,
    password_file: undefined,
    clusters: undefined,
  };
  await step("StartTLS: logins, roles and groups", logins);
  await step("ldaps: logins, roles and groups", logins, {
    security: "ldaps",
    port: slapd.tlsPort,
  });
  await step("in the clear, if so configured", logins, { security: "none" });
  await step("names by a template, without an account of its own", logins, {
    ...template,
  });
  await step("an empty password is never sent", emptyPassword);
  await step("what is typed is a value", injection);
  await step("what is typed is a value in a name, too", injection, template);
  await step("an earlier yes stays, and a no goes on", passesOn);
  await step("who is in no group stays out, if so configured", outsiders, {
    default_role: "none",
  });
  await step("a certificate of another authority is refused", stranger, {
    ca_file: await slapd.dir.write("other.pem", CA_B),
  });
  await step("a certificate for another name is refused", stranger, {
    server: "127.0.0.2",
  });
  await step("ldaps refuses a certificate of another authority", stranger, {
    security: "ldaps",
    port: slapd.tlsPort,
    ca_file: `${slapd.dir.path}/other.pem`,
  });
  await step("a cluster's branch, with its maker as administrator", branches);
  await step("a branch that is there is left as it is", branchAgain);
  await step("who has no entry is told, and the branch made", unknownMaker);
  await nestedGroups(t, slapd);
  await step("a wrong account of its own is told without its secret", service, {
    password_file: await slapd.dir.write("wrong", "wrong-secret"),
  });
  // Last: it ends the server.
  await step("while the directory is down others decide", down);
});

async function logins(bench: Bench): Promise<void> {
  deepStrictEqual(await login(bench, "ann", "ann-secret"), [
    true,
    { role: "admin", groups: ["ops", "staff"] },
  ]);
  deepStrictEqual(await login(bench, "bob", "bob-secret"), [
    true,
    { role: "viewer", groups: ["staff"] },
  ]);
  deepStrictEqual(await login(bench, "eve", "eve-secret"), [
    true,
    { role: "user", groups: [] },
  ]);
  deepStrictEqual(await login(bench, "ann", "bob-secret"), NO);
  deepStrictEqual(await login(bench, "nobody", "ann-secret"), NO);
  deepStrictEqual(failures(bench), "");
}

/** The server takes such a bind, and says so: see its configuration. */
async function emptyPassword(bench: Bench, slapd: SlapdServer): Promise<void> {
  ok(await slapd.binds(ANN, ""));
  deepStrictEqual(await login(bench, "ann", ""), null);
}

async function injection(bench: Bench): Promise<void> {
  for (
    const user of [
      "*",
      "a*",
      "ann)(uid=*",
      "ann,ou=people",
      "ann\\",
      "ann\0",
      "*)(objectClass=*",
      "",
    ]
  ) deepStrictEqual(await login(bench, user, "ann-secret"), NO, user);
  deepStrictEqual(failures(bench), "");
}

async function passesOn(bench: Bench): Promise<void> {
  const known = { role: "viewer", groups: ["local"] };
  deepStrictEqual(
    await bench.call("client_authenticate", [
      credentials("nobody", "x"),
      true,
      known,
    ]),
    null,
  );
  const answer = await bench.call("client_authenticate", [
    credentials("ann", "ann-secret"),
    false,
    { role: null, groups: ["local"] },
  ]);
  deepStrictEqual(answer?.[2], {
    role: "admin",
    groups: ["local", "ops", "staff"],
  });
}

async function outsiders(bench: Bench): Promise<void> {
  deepStrictEqual(await login(bench, "eve", "eve-secret"), NO);
  deepStrictEqual((await login(bench, "bob", "bob-secret"))?.[0], true);
}

async function stranger(bench: Bench): Promise<void> {
  deepStrictEqual(await login(bench, "ann", "ann-secret"), null);
  match(failures(bench), /directory was not asked about "ann"/);
  match(failures(bench), /certificate/i);
}

async function branches(bench: Bench, slapd: SlapdServer): Promise<void> {
  const root = "ou=lab.bob,ou=clusters,dc=test";
  await bench.call("cluster_register", [cluster("lab.bob", "bob", "ann")]);
  deepStrictEqual(
    (await slapd.find(root, "(objectClass=*)", "1.1")).toSorted(),
    [
      `dn: cn=admin,ou=groups,${root}`,
      `dn: ou=groups,${root}`,
      `dn: ou=lab.bob,ou=clusters,dc=test`,
      `dn: ou=people,${root}`,
      `dn: uid=ann,ou=people,${root}`,
      `dn: uid=bob,ou=people,${root}`,
    ],
  );
  const [, member] = await slapd.find(root, "(cn=admin)", "member");
  deepStrictEqual(member, `member: ${ANN}`);
  // A guest that looks there finds bob himself, and takes his one password.
  const found = await slapd.find(`ou=people,${root}`, "(uid=bob)", "1.1", {
    follow: true,
  });
  deepStrictEqual(found, [`dn: ${BOB}`]);
  // The maker administers this branch and no other.
  const person = (parent: string) =>
    `dn: uid=new,ou=people,${parent}\nobjectClass: account\nuid: new\n`;
  await slapd.add(person(root), { dn: ANN, password: "ann-secret" });
  await bench.call("cluster_register", [cluster("web.bob", "bob", "bob")]);
  await rejects(
    slapd.add(person("ou=web.bob,ou=clusters,dc=test"), {
      dn: ANN,
      password: "ann-secret",
    }),
    /Insufficient access/,
  );
  deepStrictEqual(failures(bench), "");
}

async function branchAgain(bench: Bench, slapd: SlapdServer): Promise<void> {
  const root = "ou=old.ann,ou=clusters,dc=test";
  const old = cluster("old.ann", "ann", "ann");
  await bench.call("cluster_register", [old]);
  await slapd.modify(`dn: cn=admin,ou=groups,${root}
changetype: modify
add: member
member: ${BOB}

dn: uid=ann,ou=people,${root}
changetype: delete
`);
  bench.site.clusters = [old];
  await bench.call("ctrl_start", [{}]);
  const lines = await slapd.find(root, "(cn=admin)", "member");
  deepStrictEqual(lines.slice(1), [`member: ${ANN}`, `member: ${BOB}`]);
  deepStrictEqual((await slapd.find(root, "(uid=ann)", "1.1")).length, 1);
}

async function unknownMaker(bench: Bench, slapd: SlapdServer): Promise<void> {
  await bench.call("cluster_register", [cluster("x.zoe", "zoe", "zoe")]);
  match(failures(bench), /cluster "x.zoe": the directory has no zoe/);
  const root = "ou=x.zoe,ou=clusters,dc=test";
  deepStrictEqual((await slapd.find(root, "(cn=admin)", "member")).slice(1), [
    "member: cn=usher,dc=test",
  ]);
}

/** Groups of groups, found from below and as the server names them; a circle of them ends. */
async function nestedGroups(
  t: Deno.TestContext,
  slapd: SlapdServer,
): Promise<void> {
  await slapd.add(CIRCLE);
  await slapd.modify(`dn: cn=inner,ou=groups,dc=test
changetype: modify
add: member
member: cn=outer,ou=groups,dc=test
`);
  const groups = {
    "by their members": { base: "ou=groups,dc=test" },
    "by memberOf": { member_of: "memberOf", base: "OU=groups, dc=test" },
  };
  const cases = [
    { nested: 0, found: ["inner"], role: "user", isTold: false },
    { nested: 1, found: ["inner", "middle"], role: "user", isTold: true },
    {
      nested: 2,
      found: ["inner", "middle", "outer"],
      role: "admin",
      isTold: false,
    },
    {
      nested: 20,
      found: ["inner", "middle", "outer"],
      role: "admin",
      isTold: false,
    },
  ];
  for (const [how, where] of Object.entries(groups)) {
    await t.step(`groups of groups ${how}`, async () => {
      for (const { nested, found, role, isTold } of cases) {
        await using bench = await benchFor(slapd, {
          groups: { ...where, nested },
          roles: { admin: ["outer"] },
        });
        deepStrictEqual(await login(bench, "mia", "mia-secret"), [
          true,
          { role, groups: found },
        ]);
        match(failures(bench), isTold ? /lie deeper in one another/ : /^$/);
      }
    });
  }
  await t.step(
    "groups elsewhere than below the base do not count",
    async () => {
      await using bench = await benchFor(slapd, {
        groups: { member_of: "memberOf", base: "ou=people,dc=test" },
      });
      const answer = await login(bench, "mia", "mia-secret");
      deepStrictEqual(answer, [true, { role: "user", groups: [] }]);
    },
  );
}

async function service(bench: Bench): Promise<void> {
  deepStrictEqual(await login(bench, "ann", "ann-secret"), null);
  match(failures(bench), /refuses the password of "cn=usher,dc=test"/);
  ok(!failures(bench).includes("wrong-secret"));
}

async function down(bench: Bench, slapd: SlapdServer): Promise<void> {
  await slapd.down();
  deepStrictEqual(await login(bench, "ann", "ann-secret"), null);
  match(failures(bench), /directory was not asked about "ann": .* cannot be/);
  await using strict = await benchFor(slapd, { when_down: "refuse" });
  await rejects(login(strict, "ann", "ann-secret"), /cannot be reached/);
  const lab = cluster("lab.ann", "ann", "ann");
  await bench.call("cluster_register", [lab]);
  const again = bench.site.scheduled.get("retry/lab.ann")?.params;
  deepStrictEqual(again?.args, ["lab.ann"]);
  await slapd.up();
  bench.site.clusters = [lab];
  await bench.call("uldap_retry", ["lab.ann"]);
  const root = "ou=lab.ann,ou=clusters,dc=test";
  deepStrictEqual((await slapd.find(root, "(cn=admin)", "1.1")).length, 1);
}

Deno.test("uldap: a connection that breaks off after StartTLS is not opened anew in the clear", async () => {
  await using slapd = await SlapdServer.start(LDIF);
  await slapd.dir.write("service", "service-secret\n");
  using cutter = cutAfterStartTls(slapd.port);
  await using bench = await benchFor(slapd, {
    server: "localhost",
    port: cutter.port,
    timeout: "1s",
  });
  deepStrictEqual(await login(bench, "ann", "ann-secret"), null);
  deepStrictEqual([cutter.connections(), cutter.isCut()], [1, true]);
});

Deno.test("uldap: options that cannot be are refused by name", async () => {
  const good = { server: "x", user_dn: "uid={user},dc=test" };
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ ...good, user_dn: "uid=ann" }, /must have \{user\} in it/],
    [{ ...good, user_dn: "uid={user},o={users}" }, /"\{users\}" means nothing/],
    [{ server: "x" }, /Either user_dn or users/],
    [{ ...good, bind_dn: "cn=x" }, /go together/],
    [{ ...good, clusters: { base: "ou=c" } }, /written by bind_dn/],
    [{ ...good, groups: { base: "b", filter: "member={dn}" } }, /parentheses/],
    [{ ...good, password: "x" }, /password/],
    [{ ...good, groups: {} }, /Either base or member_of/],
    [{ ...good, groups: { member_of: "(x)" } }, /name of an attribute/],
    [
      { ...good, groups: { member_of: "memberOf", filter: "(member={dn})" } },
      /by filter or by member_of/,
    ],
    [
      {
        ...good,
        groups: { base: "b", filter: "(memberUid={user})", nested: 1 },
      },
      /by \{dn\} in filter/,
    ],
  ];
  for (const [options, expected] of cases) {
    await rejects(onBench(uldap, { options }), expected);
  }
});

const NO = [false, { role: null, groups: [] }];
