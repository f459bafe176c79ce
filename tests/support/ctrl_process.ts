/**
 * A controller in a process of its own, from the sources, and how to ask it.
 *
 * @module
 */
import { HttpClient } from "../../src/sys/http_client.ts";
import { Role } from "./role.ts";

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
