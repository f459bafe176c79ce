/**
 * A BIND 9 name server of a test's own, with empty zones that one key may
 * change: `vm.test`, and those in which the addresses of tests are turned back
 * into names.
 *
 * @module
 */
import { freePort, OwnFolder, OwnServer } from "./own_server.ts";

/** The zones that it serves, each empty but for what every zone has. */
export const ZONES = [
  "vm.test",
  "1.10.in-addr.arpa",
  "8.b.d.0.1.0.0.2.ip6.arpa",
] as const;

const KEY = {
  name: "usher-key",
  algorithm: "hmac-sha256",
  // Base64 of 32 bytes that are no secret.
  secret: "dXNoZXItdGVzdHMtdXNlLXRoaXMta2V5LW9mLTMyLWI=",
} as const;

/** A key of the same secret that may change zones, and not read them as a whole. */
export const OTHER_KEY = "no-transfer-key";

/** A running name server. */
export class BindServer implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly key = KEY;
  #server: OwnServer | null = null;

  private constructor(readonly port: number, readonly dir: OwnFolder) {}

  /** Starts it and waits until it answers. */
  static async start(): Promise<BindServer> {
    const dir = await OwnFolder.make("bind", "bind");
    const bind = new BindServer(freePort(), dir);
    try {
      for (const zone of ZONES) await dir.write(`${zone}.db`, EMPTY_ZONE);
      await dir.write("named.conf", configuration(bind));
      await bind.up();
    } catch (error) {
      await dir[Symbol.asyncDispose]();
      throw error;
    }
    return bind;
  }

  /** Starts it again, with what it kept. */
  async up(): Promise<void> {
    this.#server = await OwnServer.start({
      name: "named",
      program: "/usr/sbin/named",
      copied: true,
      args: ["-g", "-n", "1", "-c", `${this.dir.path}/named.conf`],
      dir: this.dir,
      isReady: async () => (await this.dig("vm.test", "SOA")).length === 1,
    });
  }

  /** Ends it in good order, so that it keeps what it was told. */
  async down(): Promise<void> {
    await this.#server?.stop();
  }

  /** What it has printed: each update that it took or refused. */
  get log(): string {
    return this.#server?.printed ?? "";
  }

  /** The values of one kind that a name has, in order. */
  async dig(name: string, type: string): Promise<string[]> {
    const out = await this.dir.run("/usr/bin/dig", [
      `@${this.host}`,
      "-p",
      String(this.port),
      "+tcp",
      "+short",
      "+tries=1",
      "+time=2",
      name,
      type,
    ]);
    return out.split("\n").filter((line) => line !== "").toSorted();
  }

  /** Changes records by hand, in the words of nsupdate(1). */
  async update(lines: string): Promise<void> {
    const { name, algorithm, secret } = this.key;
    await this.dir.run(
      "/usr/bin/nsupdate",
      ["-v"],
      `server ${this.host} ${this.port}\nkey ${algorithm}:${name} ${secret}\n${lines}\nsend\n`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}

const EMPTY_ZONE = `$TTL 60
@ IN SOA ns.site.test. root.site.test. ( 1 3600 600 86400 60 )
@ IN NS ns.site.test.
`;

function configuration({ host, port, dir, key }: BindServer): string {
  const zones = ZONES.map((zone) => `
zone "${zone}" {
  type primary;
  file "${dir.path}/${zone}.db";
  check-names ignore;
  check-integrity no;
  update-policy {
    grant ${key.name} zonesub ANY;
    grant ${OTHER_KEY} zonesub ANY;
  };
  allow-transfer { key ${key.name}; };
};`);
  return `
options {
  directory "${dir.path}";
  listen-on port ${port} { ${host}; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
  notify no;
  dnssec-validation no;
};
controls { };
key "${key.name}" { algorithm ${key.algorithm}; secret "${key.secret}"; };
key "${OTHER_KEY}" { algorithm ${key.algorithm}; secret "${key.secret}"; };
${zones.join("\n")}
`;
}
