/**
 * A site of processes: a controller and any number of nodes, each of which may
 * be killed, frozen and started again where it was.
 *
 * The roles run from the sources, or compiled. Nothing is asked of them that
 * an administrator could not ask; what a test sees comes from the API and from
 * `/proc`.
 *
 * @module
 */
import { layOut } from "../../src/driver/qemu/layout.ts";
import {
  type OwnProcess,
  scanProcesses,
} from "../../src/driver/qemu/process_scan.ts";
import type { VmView } from "../../src/schema/change.ts";
import {
  decodeJoinToken,
  encodeJoinToken,
} from "../../src/schema/join_token.ts";
import type { Operation, Result } from "../../src/schema/operation.ts";
import { HttpClient } from "../../src/sys/http_client.ts";
import type { NodePlan } from "./node_plan.ts";
import { Role, type RoleOptions } from "./role.ts";
import { until } from "./wait.ts";

/** What a busy machine may take for anything at all. */
const PATIENCE = { deadlineMs: 240_000, everyMs: 100 };

/** What a site is made of. */
export interface ProcessSiteOptions {
  readonly nodes: readonly NodePlan[];
  /** What goes into `ctrl.yaml`. */
  readonly ctrl?: Readonly<Record<string, unknown>>;
  /** The environment of the controller. */
  readonly env?: Readonly<Record<string, string>>;
  /** The executable; the sources are run without it. */
  readonly usher?: string;
  /** The address to listen on. */
  readonly host?: string;
  /** Writes what the roles print to `logs/` beside their state, too. */
  readonly logs?: boolean;
}

/** An answer that is no success. */
export class Refused extends Error {
  constructor(readonly status: number, text: string) {
    super(`${status} ${text}`);
  }
}

/** A running site. */
export class ProcessSite implements AsyncDisposable {
  readonly dir: string;
  readonly #options: ProcessSiteOptions;
  readonly #plans = new Map<string, NodePlan>();
  readonly #nodes = new Map<string, Role>();
  #ctrl: Role | null = null;
  #ports = { clients: "0", nodes: "0" };
  #client: HttpClient | null = null;
  #token = "";
  /** Where what is left of it goes in the end; null when nothing is kept. */
  #kept: string | null = null;

  private constructor(dir: string, options: ProcessSiteOptions) {
    this.dir = dir;
    this.#options = options;
  }

  /** Starts all of it; resolves once every node is connected. */
  static async start(options: ProcessSiteOptions): Promise<ProcessSite> {
    // Short, since the paths of guests' sockets are.
    const dir = await Deno.makeTempDir({ prefix: "ups" });
    const site = new ProcessSite(dir, options);
    try {
      const { host = "127.0.0.1" } = options;
      if (options.logs === true) await Deno.mkdir(`${dir}/logs`);
      await site.#write("ctrl", { names: [host], ...options.ctrl });
      await site.startCtrl();
      for (const plan of options.nodes) await site.addNode(plan);
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  get ctrl(): Role {
    if (this.#ctrl === null) {
      throw new Error("The controller was never started");
    }
    return this.#ctrl;
  }

  /** A node by its name. */
  node(name: string): Role {
    const role = this.#nodes.get(name);
    if (role === undefined) throw new Error(`Node ${name} was never started`);
    return role;
  }

  get nodeNames(): string[] {
    return [...this.#plans.keys()];
  }

  /** Where clients reach it. */
  get url(): string {
    return `https://${this.#host}:${this.#ports.clients}`;
  }

  get nodesPort(): number {
    return Number(this.#ports.nodes);
  }

  /** The PEM of the site's CA. */
  get ca(): string {
    return Deno.readTextFileSync(`${this.dir}/ctrl/tls/ca.pem`);
  }

  /** The token of the administrator, as the running controller has it. */
  get token(): string {
    return this.#token;
  }

  get #host(): string {
    return this.#options.host ?? "127.0.0.1";
  }

  #roleOptions(role: string): RoleOptions {
    const { usher, logs } = this.#options;
    return {
      ...(usher === undefined ? {} : { usher }),
      ...(logs === true ? { log: `${this.dir}/logs/${role}.log` } : {}),
    };
  }

  /** Starts the controller, where it listened before; resolves once it serves. */
  async startCtrl(): Promise<void> {
    const { clients, nodes } = this.#ports;
    this.#ctrl = new Role([
      ...["ctrl", "--config", `${this.dir}/ctrl.yaml`],
      ...["--state", `${this.dir}/ctrl`],
      ...["--listen-clients", `${this.#host}:${clients}`],
      ...["--listen-nodes", `${this.#host}:${nodes}`],
    ], { ...this.#roleOptions("ctrl"), env: this.#options.env ?? {} });
    this.#ports = {
      clients: await this.#ctrl.says(/^ready: clients on port (\d+)/m),
      nodes: await this.#ctrl.says(/^ready: .*nodes on port (\d+)/m),
    };
    this.reconnect();
  }

  /** Asks over a new connection from now on. */
  reconnect(): void {
    this.#client?.[Symbol.dispose]();
    this.#client = new HttpClient(this.ca);
    const path = `${this.dir}/ctrl/admin-token`;
    this.#token = Deno.readTextFileSync(path).trim();
  }

  /** Lets one more node join; resolves once it is connected. */
  async addNode(plan: NodePlan): Promise<void> {
    this.#plans.set(plan.name, plan);
    await this.#write(plan.name, plan.config);
    const answer = await this.call<{ token: string }>(
      "POST",
      "/v1/node-tokens",
      { node: plan.name },
    );
    const content = decodeJoinToken(answer.token);
    if (content === null) throw new Error("No join token was answered");
    const url = plan.url?.(this.nodesPort) ??
      `https://${this.#host}:${this.nodesPort}`;
    await this.startNode(plan.name, encodeJoinToken({ ...content, url }));
    await this.untilReady(plan.name);
  }

  /** Starts a node that has joined, or joins with `token`; does not wait for its session. */
  startNode(name: string, token?: string): Promise<void> {
    const role = new Role([
      ...["lnm", "--config", `${this.dir}/${name}.yaml`, "--name", name],
      ...["--state", `${this.dir}/${name}`, "--run", `${this.dir}/r/${name}`],
      ...(token === undefined ? [] : ["--join", token]),
    ], {
      ...this.#roleOptions(name),
      env: this.#plans.get(name)?.env ?? {},
      through: this.#plans.get(name)?.through ?? [],
    });
    this.#nodes.set(name, role);
    return Promise.resolve();
  }

  /** Lets a node be otherwise when it is started the next time. */
  replan(name: string, change: Partial<NodePlan>): void {
    const plan = this.#plans.get(name);
    if (plan === undefined) throw new Error(`There is no node ${name}`);
    this.#plans.set(name, { ...plan, ...change });
  }

  /** Kills the controller and starts it again. */
  async restartCtrl(): Promise<void> {
    await this.ctrl.kill();
    await this.startCtrl();
  }

  /** Kills a node and starts it again. */
  async restartNode(name: string): Promise<void> {
    await this.node(name).kill();
    await this.startNode(name);
  }

  /** Waits until the controller counts on a node. */
  async untilReady(name: string): Promise<void> {
    await this.untilNode(name, "ready");
  }

  /** Waits until a node is in `state`, and looks so often at the least. */
  async untilNode(
    name: string,
    state: string,
    everyMs = PATIENCE.everyMs,
  ): Promise<void> {
    await until(`node ${name} is ${state}`, async () => {
      const node = await this.call<{ state: string }>(
        "GET",
        `/v1/nodes/${name}`,
      );
      return node.state === state;
    }, { ...PATIENCE, everyMs });
  }

  /** Calls the API; throws `Refused` when the answer is no success. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    if (this.#client === null) throw new Error("The site is not set up");
    const response = await this.#client.fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE.deadlineMs),
    });
    const text = await response.text();
    if (!response.ok) throw new Refused(response.status, text);
    return JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as T;
  }

  /** Asks for something; answers at once. */
  submit(request: Readonly<Record<string, unknown>>): Promise<Result> {
    return this.call<Result>("POST", "/v1/requests", request);
  }

  /** Waits until all of a request has ended. */
  async ends(request: string): Promise<Result> {
    return await until(`request ${request} has ended`, async () => {
      const result = await this.call<Result>("GET", `/v1/requests/${request}`);
      return result.done ? result : null;
    }, PATIENCE);
  }

  /** Asks for something and waits for its end. Throws when it failed for any VM. */
  async run(request: Readonly<Record<string, unknown>>): Promise<Result> {
    const result = await this.ends((await this.submit(request)).request);
    for (const { vm, state, problem } of result.outcomes) {
      if (state !== "succeeded") throw new Error(`${vm}: ${problem?.detail}`);
    }
    return result;
  }

  async vms(): Promise<VmView[]> {
    return (await this.call<{ vms: VmView[] }>("GET", "/v1/vms")).vms;
  }

  async vm(name: string): Promise<VmView> {
    return await this.call<VmView>("GET", `/v1/vms/${name}`);
  }

  /** Operations that have not ended. */
  async open(): Promise<Operation[]> {
    const all = await Promise.all(
      ["pending", "running", "cancelling"].map((state) =>
        this.call<{ operations: Operation[] }>(
          "GET",
          `/v1/operations?limit=10000&filter=state=${state}`,
        )
      ),
    );
    return all.flatMap(({ operations }) => operations);
  }

  /** Waits until every operation has ended. */
  async untilQuiet(): Promise<void> {
    await until("every operation has ended", async () => {
      const open = await this.open();
      if (open.length === 0) return true;
      const [first] = open;
      throw new Error(
        `${open.length} are open, among them ${first?.verb} of ${first?.vm}, ` +
          `${first?.state} at ${first?.step}`,
      );
    }, PATIENCE);
  }

  /** The QEMUs of a node. */
  guests(name: string): readonly OwnProcess[] {
    const layout = layOut(
      `${this.dir}/${name}/qemu`,
      `${this.dir}/r/${name}/qemu`,
    );
    return layout === null ? [] : scanProcesses(layout).own;
  }

  /** Lets what is left in the end, logs and state, lie in `folder`, which must not be there yet. */
  keepIn(folder: string): void {
    this.#kept = folder;
  }

  /** Ends every role, and the guests. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.[Symbol.dispose]();
    for (const role of [...this.#nodes.values(), this.#ctrl]) {
      await role?.kill();
    }
    for (const name of this.#plans.keys()) {
      for (const { id } of this.guests(name)) Deno.kill(id.pid, "SIGKILL");
      await until(
        "no guest is left",
        () => this.guests(name).length === 0,
        PATIENCE,
      );
    }
    if (this.#kept === null) await Deno.remove(this.dir, { recursive: true });
    else await Deno.rename(this.dir, this.#kept);
  }

  /** JSON is YAML. */
  async #write(name: string, config: unknown): Promise<void> {
    await Deno.writeTextFile(
      `${this.dir}/${name}.yaml`,
      JSON.stringify(config),
    );
  }
}
