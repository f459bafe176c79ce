/**
 * The controller, as its clients see it: one method a route.
 *
 * Methods and paths are those of schema/route.ts, kept equal by the compiler;
 * they stand here once more so that a short command does not load every
 * schema. Answers are not parsed again: a peer may be newer, and the
 * controller has parsed what it sends.
 *
 * After a cut the old connection may hang on for seconds, so `reconnect()`
 * takes a new one.
 *
 * @module
 */
import { openHttpClient } from "#machine";
import type { z } from "zod";
import type { RouteName, ROUTES } from "../schema/route.ts";
import { chunksOf, textOf } from "./chunks.ts";
import { connectCause, connectHint } from "./connect_cause.ts";
import { failure, failureFrom, isFailure } from "./failure.ts";
import type { HttpClient } from "./platform.ts";
import { notOurs, problemOf } from "./problem_of.ts";
import type { Doubt } from "./tls_doubt.ts";
import { JoinedSignal } from "../sys/joined_signal.ts";

type Routes = typeof ROUTES;

/** The answer of a route. */
export type Answer<R extends RouteName> = z.output<Routes[R]["response"]>;
/** The body that a route takes. */
export type Body<R extends RouteName> = Routes[R] extends
  { request: infer S extends z.ZodType } ? z.input<S> : undefined;

const PATHS: {
  readonly [R in RouteName]: `${Routes[R]["method"]} ${Routes[R]["path"]}`;
} = {
  version: "GET /v1/version",
  ca: "GET /v1/ca",
  openapi: "GET /v1/openapi.json",
  login: "POST /v1/login",
  logout: "POST /v1/logout",
  whoami: "GET /v1/whoami",
  sessions: "GET /v1/sessions",
  endSession: "DELETE /v1/sessions/{id}",
  users: "GET /v1/users",
  user: "GET /v1/users/{name}",
  createUser: "POST /v1/users",
  setRole: "POST /v1/users/{name}/role",
  setPassword: "POST /v1/users/{name}/password",
  disableUser: "POST /v1/users/{name}/disable",
  enableUser: "POST /v1/users/{name}/enable",
  deleteUser: "DELETE /v1/users/{name}",
  tokens: "GET /v1/tokens",
  createToken: "POST /v1/tokens",
  revokeToken: "DELETE /v1/tokens/{id}",
  submit: "POST /v1/requests",
  plan: "POST /v1/plans",
  request: "GET /v1/requests/{id}",
  follow: "GET /v1/requests/{id}/follow",
  vms: "GET /v1/vms",
  vm: "GET /v1/vms/{name}",
  explain: "GET /v1/vms/{name}/placement",
  console: "GET /v1/vms/{name}/console",
  clusters: "GET /v1/clusters",
  cluster: "GET /v1/clusters/{name}",
  createCluster: "POST /v1/clusters",
  deleteCluster: "DELETE /v1/clusters/{name}",
  shareCluster: "POST /v1/clusters/{name}/share",
  unshareCluster: "POST /v1/clusters/{name}/unshare",
  quotas: "GET /v1/quotas",
  quota: "GET /v1/quotas/{subject}",
  setQuota: "POST /v1/quotas/{subject}",
  nodes: "GET /v1/nodes",
  node: "GET /v1/nodes/{name}",
  nodeToken: "POST /v1/node-tokens",
  declareDead: "POST /v1/nodes/{name}/declare-dead",
  drain: "POST /v1/nodes/{name}/drain",
  drainPlan: "POST /v1/nodes/{name}/drain/plan",
  undrain: "POST /v1/nodes/{name}/undrain",
  nodeOperations: "GET /v1/node-operations",
  nodeOperation: "GET /v1/node-operations/{id}",
  cancelNodeOperation: "POST /v1/node-operations/{id}/cancel",
  operations: "GET /v1/operations",
  operation: "GET /v1/operations/{id}",
  cancelRequest: "POST /v1/requests/{id}/cancel",
  cancel: "POST /v1/operations/{id}/cancel",
  plugins: "GET /v1/plugins",
  plugin: "GET /v1/plugins/{name}",
  enablePlugin: "POST /v1/plugins/{name}/enable",
  disablePlugin: "POST /v1/plugins/{name}/disable",
  forgetPlugin: "POST /v1/plugins/{name}/forget",
  shadowPlugin: "POST /v1/plugins/{name}/shadow",
  endShadow: "POST /v1/plugins/{name}/shadow/end",
  reloadConfig: "POST /v1/config/reload",
  reloadPlugins: "POST /v1/plugins/reload",
  pluginLogs: "GET /v1/plugins/{name}/logs",
  recordedEvents: "GET /v1/recorded-events",
  state: "GET /v1/state",
  watch: "GET /v1/watch",
  docs: "GET /docs",
  audit: "GET /v1/audit",
  auditHead: "GET /v1/audit/head",
};

/** How long the controller may take to begin an answer. */
const ANSWER_MS = 60_000;

/** Which controller, and as whom. */
export interface ConnectOptions {
  /** The controller's origin, `https://HOST:8440`. */
  readonly controller: string;
  /** The site's CA; the machine's own authorities when absent. */
  readonly caPem?: string | undefined;
  /** A session's token, or where to find the one that counts now; absent before the login. */
  readonly token?: string | (() => string | undefined) | undefined;
  /**
   * Gets another token in place of one that was refused; false when there is
   * none to be had. What was refused is then sent once more.
   */
  readonly renew?:
    | ((refused: string | undefined, signal?: AbortSignal) => Promise<boolean>)
    | undefined;
  /** Told the headers of every answer. */
  readonly onAnswer?: ((headers: Headers) => void) | undefined;
  /** Makes new connections; for tests. */
  readonly open?: OpenConnection | undefined;
}

/** Makes new connections that trust a CA. */
export type OpenConnection = (caPem: string | undefined) => HttpClient;

/** What goes with one call. */
export interface CallInput<R extends RouteName> {
  /** Values for the braces of the path. */
  readonly params?: Readonly<Record<string, string>>;
  /** How long the controller may take to begin its answer, if not a minute. */
  readonly answerMs?: number;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Body<R>;
  readonly signal?: AbortSignal;
}

/** A connection to a controller. */
export class Api implements Disposable {
  readonly controller: string;
  readonly #options: ConnectOptions;
  #client: HttpClient;

  constructor(options: ConnectOptions) {
    this.controller = options.controller;
    this.#options = options;
    this.#client = this.#open();
  }

  #open(): HttpClient {
    return (this.#options.open ?? openHttpClient)(this.#options.caPem);
  }

  /** Leaves the connection, whatever state it is in, for a new one. */
  reconnect(): void {
    this.#client.broken?.();
    this.#client[Symbol.dispose]();
    this.#client = this.#open();
  }

  /** Asks, and waits for the whole answer. */
  async call<R extends RouteName>(
    route: R,
    input: CallInput<R> = {},
  ): Promise<Answer<R>> {
    const response = await this.#send(route, input);
    try {
      const { body } = response;
      return JSON.parse(body === null ? "" : await textOf(body, input.signal));
    } catch (error) {
      if (input.signal?.aborted) throw error;
      if (error instanceof SyntaxError) {
        throw await failureFrom(notOurs(this.controller, response.status));
      }
      throw await failure(
        "interrupted",
        `Lost the connection to ${this.controller} within an answer`,
        { cause: error, hint: "look what became of it, then try again" },
      );
    }
  }

  /** Asks, and answers the values of a stream, one a line, as they come. */
  async *stream<R extends RouteName>(
    route: R,
    input: CallInput<R> = {},
  ): AsyncGenerator<unknown, void, void> {
    for await (const values of this.together(route, input)) {
      for (const value of values) yield value;
    }
  }

  /** As `stream`, those together that came together: quicker where there are many. */
  async *together<R extends RouteName>(
    route: R,
    input: CallInput<R> = {},
  ): AsyncGenerator<readonly unknown[], void, void> {
    const response = await this.#send(route, input);
    if (response.body === null) return;
    const { decodeTogether } = await import("../link/ndjson.ts");
    const chunks = chunksOf(response.body, input.signal);
    yield* decodeTogether(chunks, MAX_LINE_BYTES);
  }

  /** Opens the socket of a route. */
  socket<R extends RouteName>(route: R, input: CallInput<R> = {}): WebSocket {
    const url = this.#url(route, input).replace(/^http/, "ws");
    return this.#client.openSocket(url, this.#headers());
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async #send<R extends RouteName>(
    route: R,
    input: CallInput<R>,
  ): Promise<Response> {
    const { renew } = this.#options;
    for (let renewed = false;; renewed = true) {
      const token = this.#token();
      const response = await this.#fetch(route, input);
      if (response.ok) return response;
      const problem = await problemOf(this.controller, response);
      const renewable = problem.code === "unauthenticated" && !renewed;
      if (renewable && await renew?.(token, input.signal)) continue;
      throw await failureFrom(problem);
    }
  }

  /** Whether a session that ended can be followed by another. */
  get renews(): boolean {
    return this.#options.renew !== undefined;
  }

  #token(): string | undefined {
    const { token } = this.#options;
    return typeof token === "function" ? token() : token;
  }

  async #fetch<R extends RouteName>(
    route: R,
    { body, signal, answerMs = ANSWER_MS, ...rest }: CallInput<R>,
  ): Promise<Response> {
    // Programs in JavaScript have no types to tell them.
    if (!Object.hasOwn(PATHS, route)) {
      throw await failure("invalid_input", `There is no route "${route}"`, {
        hint: `routes are ${Object.keys(PATHS).join(", ")}`,
      });
    }
    const [method = "GET"] = PATHS[route].split(" ");
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), answerMs);
    try {
      const response = await this.#client.fetch(this.#url(route, rest), {
        method,
        headers: {
          ...this.#headers(),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal === undefined
          ? late.signal
          // Not let go of: the answer's body ends with it, too.
          : new JoinedSignal(late.signal, signal).signal,
      });
      this.#options.onAnswer?.(response.headers);
      return response;
    } catch (error) {
      if (signal?.aborted) throw error;
      throw await this.#unreachable(error, late.signal.aborted);
    } finally {
      clearTimeout(timer);
    }
  }

  #url<R extends RouteName>(
    route: R,
    { params = {}, query = {} }: Pick<CallInput<R>, "params" | "query">,
  ): string {
    const [, path = ""] = PATHS[route].split(" ");
    const filled = path.replace(
      /\{(\w+)\}/g,
      (_, name) => encodeURIComponent(params[name] ?? ""),
    );
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) search.set(name, value);
    }
    return `${this.controller}${filled}${search.size > 0 ? `?${search}` : ""}`;
  }

  #headers(): Record<string, string> {
    const token = this.#token();
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  async #unreachable(error: unknown, late: boolean): Promise<Error> {
    if (isFailure(error)) return error;
    const why = late
      ? `no answer within ${ANSWER_MS / 1000} s`
      : connectCause(error);
    const doubt = await this.#doubt(why);
    return await failure(
      "unavailable",
      `Cannot reach the controller at ${this.controller}: ${doubt?.why ?? why}`,
      { cause: error, hint: doubt?.hint ?? connectHint(why) },
    );
  }

  /** What is behind a certificate that is not taken; loaded only then. */
  async #doubt(why: string): Promise<Doubt | null> {
    if (!why.startsWith("its certificate")) return null;
    const { explainTls } = await import("./tls_doubt.ts");
    return await explainTls(this.controller, this.#options.caPem, why);
  }
}

/** The longest line of a stream: a result of 10,000 VMs fits. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** Connects to a controller; nothing is sent before the first call. */
export function connect(options: ConnectOptions): Api {
  return new Api(options);
}
