/**
 * A site of the compiled executable: controller and one node, each a process
 * of its own, set up the way an administrator would.
 *
 * @module
 */
import { HttpClient } from "../../src/sys/http_client.ts";
import { Role } from "./role.ts";

/** A command that takes longer is killed, and the test fails. */
const COMMAND_MS = 600_000;

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A running site of one node. */
export class RolesSite implements AsyncDisposable {
  readonly #usher: string;
  readonly #driver: "sim" | "qemu";
  readonly dir: string;
  /** Where clients reach it. */
  url = "";
  #client: HttpClient | null = null;
  #token = "";
  #ctrl: Role | null = null;
  #lnm: Role | null = null;
  /** The ports, once they were chosen; a restarted controller has them again. */
  #ports = { clients: "0", nodes: "0" };

  private constructor(usher: string, driver: "sim" | "qemu", dir: string) {
    this.#usher = usher;
    this.#driver = driver;
    this.dir = dir;
  }

  /** Starts it; resolves once the node is connected. `moreOfCtrl`: more lines of ctrl.yaml. */
  static async start(
    usher: string,
    driver: "sim" | "qemu",
    moreOfCtrl = "",
  ): Promise<RolesSite> {
    // Short, since the paths of guests' sockets are.
    const dir = await Deno.makeTempDir({ prefix: "usite_" });
    const site = new RolesSite(usher, driver, dir);
    try {
      await site.configure(moreOfCtrl);
      await site.startCtrl();
      await site.#login();
      await site.startLnm(await site.#joinToken());
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  get ctrl(): Role {
    if (this.#ctrl === null) throw new Error("The controller does not run");
    return this.#ctrl;
  }

  get lnm(): Role {
    if (this.#lnm === null) throw new Error("The node does not run");
    return this.#lnm;
  }

  /** The token of its session. */
  get token(): string {
    return this.#token;
  }

  /** What a command line of this site needs. */
  get env(): Record<string, string> {
    return { HOME: this.dir, USHERCLI_CONFIG: "" };
  }

  /** Writes the ctrl.yaml that the controller starts with next; it has these lines more. */
  async configure(moreOfCtrl: string): Promise<void> {
    const yaml = `names: [127.0.0.1]\n${moreOfCtrl}`;
    await Deno.writeTextFile(`${this.dir}/ctrl.yaml`, yaml);
  }

  /** Starts the controller; with the ports that it had when it ran before. */
  async startCtrl(): Promise<void> {
    const { clients, nodes } = this.#ports;
    this.#ctrl = new Role([
      ...["ctrl", "--config", `${this.dir}/ctrl.yaml`],
      ...["--state", `${this.dir}/ctrl`],
      ...["--listen-clients", `127.0.0.1:${clients}`],
      ...["--listen-nodes", `127.0.0.1:${nodes}`],
    ], { usher: this.#usher });
    this.#ports = {
      clients: await this.#ctrl.says(/^ready: clients on port (\d+)/m),
      nodes: await this.#ctrl.says(/^ready: .*nodes on port (\d+)/m),
    };
    this.url = `https://127.0.0.1:${this.#ports.clients}`;
  }

  /** Starts the node; with a join token the first time. */
  async startLnm(token?: string): Promise<void> {
    this.#lnm = new Role([
      ...["lnm", "--name", "n1", "--driver", this.#driver],
      ...["--state", `${this.dir}/n1`, "--run", `${this.dir}/run`],
      ...(token === undefined ? [] : ["--join", token]),
    ], { usher: this.#usher });
    await this.#lnm.says(/^ready/m);
  }

  /** Runs `usher ARGS` to its end. */
  async run(args: readonly string[], input = ""): Promise<Ran> {
    const child = new Deno.Command(this.#usher, {
      args: [...args],
      env: this.env,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(COMMAND_MS),
    }).spawn();
    const writer = child.stdin.getWriter();
    // One that does not read its input may have ended already.
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  }

  /** Starts `usher ARGS`, which is ended by whoever started it. */
  start(...args: string[]): Role {
    return new Role(args, { usher: this.#usher, env: this.env });
  }

  /** Runs `usher ARGS`; throws what it says when it fails. Answers what it prints. */
  async usher(...args: string[]): Promise<string> {
    const { code, out, err } = await this.run(args);
    if (code !== 0) {
      throw new Error(`usher ${args.join(" ")} ended with ${code}: ${err}`);
    }
    return out.trim();
  }

  /** Calls the API; throws what it answers when that is no success. */
  async call(method: string, path: string, body?: unknown): Promise<string> {
    const response = await this.#connected().fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text;
  }

  /** Asks and waits until it is done; throws when any VM failed. Answers the request's id. */
  async request(body: Record<string, unknown>): Promise<string> {
    const text = await this.call("POST", "/v1/requests?follow=1", body);
    const { result } = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "{}");
    for (const { state, problem } of result.outcomes) {
      if (state !== "succeeded") throw new Error(problem?.detail ?? state);
    }
    return result.request;
  }

  /** Ends both roles; with guests of a real hypervisor the test ends those first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.[Symbol.dispose]();
    for (const role of [this.#lnm, this.#ctrl]) await role?.end();
    await Deno.remove(this.dir, { recursive: true });
  }

  #connected(): HttpClient {
    if (this.#client === null) throw new Error("The site is not set up");
    return this.#client;
  }

  async #login(): Promise<void> {
    const password = await this.ctrl.says(/its password is (\S+)/);
    const { code, err } = await this.run([
      ...["login", this.url, "--user", "admin", "--password-stdin"],
      ...["--ca-fingerprint", await this.ctrl.says(/SHA-256 (\S+)/)],
    ], password);
    if (code !== 0) throw new Error(err);
    const text = await Deno.readTextFile(`${this.dir}/.usher/credentials.json`);
    const [session] = Object.values(JSON.parse(text).sessions) as {
      token: string;
      caPem: string;
    }[];
    this.#token = session?.token ?? "";
    this.#client = new HttpClient(session?.caPem);
  }

  async #joinToken(): Promise<string> {
    return await this.usher("node", "token");
  }
}
