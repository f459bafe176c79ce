/**
 * A role in a process of its own, from the sources: what a test needs that
 * kills it, signals it, or reads what it prints.
 *
 * @module
 */
import { HttpClient } from "../../src/sys/http_client.ts";
import { until } from "./wait.ts";

const MAIN = decodeURIComponent(
  new URL("../../main.ts", import.meta.url).pathname,
);

/** How long a role may take to be ready on a slow machine. */
const READY_MS = 120_000;

/** A running `usher ROLE`. */
export class Role implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  /** All that it printed so far. */
  out = "";
  err = "";

  /** Starts `usher ARGV`. */
  constructor(argv: readonly string[], env: Record<string, string> = {}) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", MAIN, ...argv],
      // No configuration of the machine or its user counts.
      env: { HOME: "/nonexistent", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([
      collect(this.#child.stdout, (text) => this.out += text),
      collect(this.#child.stderr, (text) => this.err += text),
    ]);
  }

  /** Starts `usher ARGV` and waits until it says that it is ready. */
  static async ready(
    argv: readonly string[],
    env: Record<string, string> = {},
  ): Promise<Role> {
    const role = new Role(argv, env);
    let status: Deno.CommandStatus | null = null;
    void role.#child.status.then((its) => status = its);
    try {
      await until(`usher ${argv[0]} is ready`, () => {
        if (status !== null) return true;
        return /^ready/m.test(role.out);
      }, { deadlineMs: READY_MS });
      if (status === null) return role;
      throw new Error(`usher ${argv[0]} ended: ${role.out}${role.err}`);
    } catch (error) {
      await role.kill();
      throw error;
    }
  }

  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Its end: the exit code, or the signal it died of. */
  async ended(): Promise<number | Deno.Signal> {
    const { code, signal } = await this.#child.status;
    await this.#reading;
    return signal ?? code;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#reading.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  keep: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    keep(decoder.decode(chunk, { stream: true }));
  }
}

/** A controller in a process of its own, and how to ask it. */
export class CtrlProcess implements AsyncDisposable {
  readonly stateDir: string;
  role: Role;
  #ports: { clients: string; nodes: string };
  #client: HttpClient;
  #token: string;

  private constructor(stateDir: string, role: Role) {
    this.stateDir = stateDir;
    this.role = role;
    const [, clients = "", nodes = ""] =
      /clients on port (\d+), nodes on port (\d+)/.exec(role.out) ?? [];
    this.#ports = { clients, nodes };
    this.#client = this.#connect();
    this.#token = this.#readToken();
  }

  static async start(stateDir: string): Promise<CtrlProcess> {
    return new CtrlProcess(stateDir, await Role.ready(argvOf(stateDir)));
  }

  /** Starts it again, where it listened before, after it has ended. */
  async again(): Promise<void> {
    const { clients, nodes } = this.#ports;
    this.role = await Role.ready(argvOf(this.stateDir, clients, nodes));
    this.#client[Symbol.dispose]();
    this.#client = this.#connect();
    this.#token = this.#readToken();
  }

  get url(): string {
    return `https://127.0.0.1:${this.#ports.clients}`;
  }

  #connect(): HttpClient {
    return new HttpClient(Deno.readTextFileSync(`${this.stateDir}/tls/ca.pem`));
  }

  #readToken(): string {
    return Deno.readTextFileSync(`${this.stateDir}/admin-token`).trim();
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#client.fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    await this.role.kill();
  }
}

function argvOf(stateDir: string, clients = "0", nodes = "0"): string[] {
  return [
    "ctrl",
    "--state",
    stateDir,
    "--listen-clients",
    `127.0.0.1:${clients}`,
    "--listen-nodes",
    `127.0.0.1:${nodes}`,
  ];
}

/** Arguments of an LNM on `sim` that keeps everything below `folder`. */
export function lnmArgv(folder: string, name: string): string[] {
  return [
    "lnm",
    "--name",
    name,
    "--state",
    `${folder}/lnm`,
    "--run",
    `${folder}/run`,
    "--driver",
    "sim",
  ];
}
