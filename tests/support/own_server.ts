/**
 * A server of Debian's, started by a test in a folder of its own: on loopback,
 * at a port that was free, as the user that the server is made for.
 *
 * The executable is a copy, because a machine with AppArmor binds the one that
 * Debian installed to the folders of the machine's own server. Nothing of such
 * a server is read, written or stopped.
 *
 * @module
 */
import { until, within } from "./wait.ts";

/** How long a server may take until it answers, and until it has ended. */
const READY_MS = 30_000;

/** What is run, and when it is ready. */
export interface OwnServerOptions {
  readonly name: string;
  /** The executable, absolute. */
  readonly program: string;
  /** Whether it runs from a copy in `dir`. */
  readonly copied?: boolean;
  readonly args: readonly string[];
  readonly dir: OwnFolder;
  readonly env?: Readonly<Record<string, string>>;
  /** True once it answers; a throw counts as "not yet". */
  readonly isReady: () => Promise<boolean>;
}

/** A running server. */
export class OwnServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #printed: Promise<unknown>;
  #text = "";
  #hasEnded = false;

  private constructor(
    program: string,
    { args, dir, env = {} }: OwnServerOptions,
  ) {
    this.#child = new Deno.Command(program, {
      args: [...args],
      cwd: dir.path,
      env: { ...env },
      ...dir.owner,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#printed = Promise.all(
      [this.#child.stdout, this.#child.stderr].map(async (stream) => {
        for await (const text of stream.pipeThrough(new TextDecoderStream())) {
          this.#text = (this.#text + text).slice(-100_000);
        }
      }),
    );
    void this.#child.status.then(() => this.#hasEnded = true);
  }

  /** Starts it and waits until it answers; says what it printed when it does not. */
  static async start(options: OwnServerOptions): Promise<OwnServer> {
    const { dir, program, copied = false, name, isReady } = options;
    let path = program;
    if (copied) {
      path = `${dir.path}/${name}`;
      // Copied by another process: a program that this one has written cannot be
      // run while a child that is being started elsewhere still holds the file.
      const { success } = await new Deno.Command("install", {
        args: ["-m", "755", program, path],
      }).output();
      if (!success) throw new Error(`${program} cannot be copied`);
    }
    const server = new OwnServer(path, options);
    try {
      await until(
        `${name} answers`,
        () => server.#hasEnded ? true : isReady(),
        { deadlineMs: READY_MS, everyMs: 20 },
      );
      if (server.#hasEnded) throw new Error(`${name} has ended at once`);
    } catch (cause) {
      await server[Symbol.asyncDispose]();
      throw new Error(`${name} does not run:\n${server.#text}`, { cause });
    }
    return server;
  }

  /** What it printed last. */
  get printed(): string {
    return this.#text;
  }

  /** Ends it, by force when it does not obey. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    if (!this.#hasEnded) {
      this.#signal(signal);
      await within("the server ends", READY_MS, this.#child.status)
        .catch(() => this.#signal("SIGKILL"));
    }
    await this.#child.status;
    await this.#printed;
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended by itself.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}

/** A folder for one server, removed at the end. */
export class OwnFolder implements AsyncDisposable {
  private constructor(
    readonly path: string,
    /** Whom its files belong to and its server runs as; empty for oneself. */
    readonly owner: { readonly uid?: number; readonly gid?: number },
  ) {}

  /** Makes one that belongs to `user` when root asks, else to oneself. */
  static async make(name: string, user: string): Promise<OwnFolder> {
    const path = await Deno.makeTempDir({ prefix: `usher-${name}-` });
    const owner = Deno.uid() === 0 ? await idsOf(user) : {};
    const folder = new OwnFolder(path, owner);
    await folder.give(path);
    return folder;
  }

  /** Writes a file that the server may read. */
  async write(name: string, text: string, mode = 0o600): Promise<string> {
    const path = `${this.path}/${name}`;
    await Deno.writeTextFile(path, text, { mode });
    await this.give(path);
    return path;
  }

  /** Makes a folder that the server may write to. */
  async folder(name: string): Promise<string> {
    const path = `${this.path}/${name}`;
    await Deno.mkdir(path, { mode: 0o700 });
    await this.give(path);
    return path;
  }

  /** Runs a program to its end as the owner. Throws what it printed when it fails. */
  async run(
    program: string,
    args: readonly string[],
    input = "",
  ): Promise<string> {
    const child = new Deno.Command(program, {
      args: [...args],
      cwd: this.path,
      ...this.owner,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { success, stdout, stderr } = await child.output();
    const text = new TextDecoder();
    if (success) return text.decode(stdout);
    throw new Error(
      `${program} has failed:\n${text.decode(stdout)}${text.decode(stderr)}`,
    );
  }

  /** Makes the owner the owner of `path`. */
  async give(path: string): Promise<void> {
    const { uid, gid } = this.owner;
    if (uid !== undefined && gid !== undefined) {
      await Deno.chown(path, uid, gid);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

async function idsOf(user: string): Promise<{ uid: number; gid: number }> {
  const passwd = await Deno.readTextFile("/etc/passwd");
  const line = passwd.split("\n").find((it) => it.startsWith(`${user}:`));
  if (line === undefined) throw new Error(`There is no user ${user} here`);
  const [, , uid, gid] = line.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

/** A port of loopback that was free a moment ago, for TCP and UDP. */
export function freePort(): number {
  for (let tries = 0;; tries++) {
    using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = tcp.addr;
    try {
      Deno.listenDatagram({ hostname: "127.0.0.1", port, transport: "udp" })
        .close();
      return port;
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}
