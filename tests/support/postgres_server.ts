/**
 * A PostgreSQL server of a test's own. Making its files takes seconds, so the
 * tests of one file share a server and have a database each.
 *
 * @module
 */
import postgres from "postgres";
import { CA_A, CERT_A, KEY_A } from "./certificates.ts";
import { freePort, OwnFolder, OwnServer } from "./own_server.ts";

const PROGRAMS = "/usr/lib/postgresql";
/** What the superuser is called, and how it shows itself. */
const SUPERUSER = "site";
const PASSWORD = "pg-secret";

/** A running PostgreSQL server. */
export class PostgresServer implements AsyncDisposable {
  readonly host = "127.0.0.1";
  #databases = 0;
  #server: OwnServer | null = null;

  private constructor(
    readonly port: number,
    readonly dir: OwnFolder,
    readonly programs: string,
  ) {}

  /** Makes its files, starts it, and waits until it answers. */
  static async start(): Promise<PostgresServer> {
    const programs = await newestPrograms();
    const dir = await OwnFolder.make("postgres", "postgres");
    const server = new PostgresServer(freePort(), dir, programs);
    try {
      const secret = await dir.write("secret", PASSWORD);
      await dir.run(`${programs}/initdb`, [
        "--pgdata=data",
        `--username=${SUPERUSER}`,
        `--pwfile=${secret}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
        "--no-instructions",
      ]);
      await dir.write("ca.pem", CA_A, 0o644);
      await dir.write("cert.pem", CERT_A);
      await dir.write("key.pem", KEY_A);
      await server.up();
    } catch (error) {
      await dir[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** The certificate of the authority that its own comes from. */
  get caFile(): string {
    return `${this.dir.path}/ca.pem`;
  }

  /** Where it is, and the superuser. */
  get login() {
    const { host, port } = this;
    return { host, port, user: SUPERUSER, password: PASSWORD };
  }

  /** Starts it again, where it was. */
  async up(): Promise<void> {
    const settings = {
      // The certificate is not for the second.
      listen_addresses: `${this.host},127.0.0.2`,
      port: this.port,
      unix_socket_directories: "",
      ssl: "on",
      ssl_cert_file: `${this.dir.path}/cert.pem`,
      ssl_key_file: `${this.dir.path}/key.pem`,
      // Its files end with the test.
      fsync: "off",
      full_page_writes: "off",
    };
    this.#server = await OwnServer.start({
      name: "postgres",
      program: `${this.programs}/postgres`,
      args: [
        "-D",
        "data",
        ...Object.entries(settings).flatMap(([key, value]) => [
          "-c",
          `${key}=${value}`,
        ]),
      ],
      dir: this.dir,
      isReady: async () => {
        await using sql = this.connect("postgres");
        await sql`select 1`;
        return true;
      },
    });
  }

  /** Ends it at once, as a crash would. */
  async down(): Promise<void> {
    await this.#server?.stop("SIGQUIT");
  }

  /** Makes a database and answers its name. */
  async database(): Promise<string> {
    const name = `db${++this.#databases}`;
    await using sql = this.connect("postgres");
    await sql.unsafe(`create database ${name}`);
    return name;
  }

  /** A connection of the superuser, closed at the end. */
  connect(database: string): postgres.Sql & AsyncDisposable {
    const sql = postgres({
      ...this.login,
      database,
      max: 1,
      connect_timeout: 5,
      onnotice: () => {},
    });
    return Object.assign(sql, {
      [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    await this.dir[Symbol.asyncDispose]();
  }
}

/** Where Debian has the newest version that is installed. */
async function newestPrograms(): Promise<string> {
  const versions: number[] = [];
  for await (const { name } of Deno.readDir(PROGRAMS)) {
    versions.push(Number(name));
  }
  return `${PROGRAMS}/${Math.max(...versions.filter(Number.isInteger))}/bin`;
}
