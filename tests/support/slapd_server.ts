/**
 * An OpenLDAP server of a test's own: `dc=test` with people, groups, an
 * account for services and a branch for clusters, by StartTLS, by ldaps, and
 * in the clear.
 *
 * @module
 */
import { CA_A, CERT_A, KEY_A } from "./certificates.ts";
import { freePort, OwnFolder, OwnServer } from "./own_server.ts";

/** The administrator of the directory, whom nothing is forbidden. */
export const MANAGER = { dn: "cn=manager,dc=test", password: "manager-secret" };

const TOOLS = "/usr/bin";

/** A running directory. */
export class SlapdServer implements AsyncDisposable {
  /** The name that its certificate is for. */
  readonly host = "localhost";
  readonly base = "dc=test";
  readonly port = freePort();
  readonly tlsPort = freePort();
  #server: OwnServer | null = null;

  private constructor(readonly dir: OwnFolder) {}

  /** Starts it with `ldif` in it, and waits until it answers. */
  static async start(ldif: string): Promise<SlapdServer> {
    const dir = await OwnFolder.make("slapd", "openldap");
    const slapd = new SlapdServer(dir);
    try {
      await dir.write("ca.pem", CA_A, 0o644);
      await dir.write("cert.pem", CERT_A);
      await dir.write("key.pem", KEY_A);
      await dir.folder("db");
      await dir.write("slapd.conf", configuration(dir.path));
      await slapd.up();
      await slapd.add(ldif);
    } catch (error) {
      await slapd[Symbol.asyncDispose]();
      throw error;
    }
    return slapd;
  }

  /** The certificate of the authority that its own comes from. */
  get caFile(): string {
    return `${this.dir.path}/ca.pem`;
  }

  /** Starts it again, with what it kept. */
  async up(): Promise<void> {
    this.#server = await OwnServer.start({
      name: "slapd",
      program: "/usr/sbin/slapd",
      copied: true,
      args: [
        "-d",
        "0",
        "-f",
        `${this.dir.path}/slapd.conf`,
        "-h",
        // The certificate is not for the second address.
        [
          `ldap://127.0.0.1:${this.port}`,
          `ldap://127.0.0.2:${this.port}`,
          `ldaps://127.0.0.1:${this.tlsPort}`,
        ].join(" "),
      ],
      dir: this.dir,
      isReady: async () => {
        await this.#tool("ldapwhoami", []);
        return true;
      },
    });
  }

  /** Ends it in good order. */
  async down(): Promise<void> {
    await this.#server?.stop();
  }

  /** Adds entries, as the manager where nobody else is named. */
  async add(ldif: string, { dn, password } = MANAGER): Promise<void> {
    await this.#run("ldapadd", ["-D", dn, "-w", password], ldif);
  }

  /** Changes entries as the manager, in LDIF. */
  async modify(ldif: string): Promise<void> {
    await this.#tool("ldapmodify", [], ldif);
  }

  /** Lines of LDIF of what `filter` finds below `base`; `follow` goes where aliases lead. */
  async find(
    base: string,
    filter: string,
    attribute: string,
    { follow = false } = {},
  ): Promise<string[]> {
    const out = await this.#tool("ldapsearch", [
      "-LLL",
      "-o",
      "ldif-wrap=no",
      ...(follow ? ["-a", "always"] : []),
      "-b",
      base,
      filter,
      attribute,
    ]);
    return out.split("\n").filter((line) => line !== "");
  }

  /** Whether somebody can bind with this password. */
  async binds(dn: string, password: string): Promise<boolean> {
    return await this.#run("ldapwhoami", ["-D", dn, "-w", password])
      .then(() => true, () => false);
  }

  #tool(name: string, args: readonly string[], input?: string) {
    const { dn, password } = MANAGER;
    return this.#run(name, ["-D", dn, "-w", password, ...args], input);
  }

  #run(name: string, args: readonly string[], input?: string): Promise<string> {
    return this.dir.run(`${TOOLS}/${name}`, [
      "-x",
      "-H",
      `ldap://127.0.0.1:${this.port}`,
      ...args,
    ], input);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}

function configuration(dir: string): string {
  const { dn, password } = MANAGER;
  const schemas = ["core", "cosine", "nis", "inetorgperson"]
    .map((name) => `include /etc/ldap/schema/${name}.schema`);
  return `${schemas.join("\n")}
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
TLSCACertificateFile ${dir}/ca.pem
TLSCertificateFile ${dir}/cert.pem
TLSCertificateKeyFile ${dir}/key.pem
TLSVerifyClient never
# An anonymous bind with a name and no password succeeds, as RFC 4513 warns of.
allow bind_anon_dn
database mdb
suffix "dc=test"
rootdn "${dn}"
rootpw ${password}
directory ${dir}/db
dbnosync
maxsize 16777216
overlay memberof
access to attrs=userPassword by anonymous auth by self write by dn.exact="cn=usher,dc=test" write by * none
# As docs/plugins/uldap.md has it: administrators of a cluster write its branch.
access to dn.regex="^(.+,)?(ou=[^,]+,ou=clusters,dc=test)$"
  by dn.exact="cn=usher,dc=test" write
  by group.expand="cn=admin,ou=groups,$2" write
  by users read
  by * none
access to dn.subtree="ou=clusters,dc=test" by dn.exact="cn=usher,dc=test" write by users read by * none
access to * by dn.exact="cn=usher,dc=test" read by users read by * none
`;
}
