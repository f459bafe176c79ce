/**
 * A client of one controller: what programs of others use.
 *
 * Every verb takes a list of names and answers one outcome for each VM; errors
 * are `UsherError`s, told apart by their code. What is long can be given up
 * with a signal, and closing the client gives up all.
 *
 * @module
 */
import type { NodeView, VmView } from "../../schema/change.ts";
import type { ClusterView } from "../../schema/cluster.ts";
import type { Operation, Verb } from "../../schema/operation.ts";
import type { RouteName } from "../../schema/route.ts";
import { newId } from "../../sys/id.ts";
import { JoinedSignal } from "../../sys/joined_signal.ts";
import { type Answer, Api, type Body, type CallInput } from "../api.ts";
import { failure } from "../failure.ts";
import type { OnCallbackError } from "./callbacks.ts";
import { type ConsoleOptions, GuestConsole } from "./console.ts";
import type { LiveEvents } from "./copies.ts";
import { LiveSite, type WatchOptions } from "./live_site.ts";
import { type RequestOptions, SentRequest } from "./request.ts";
import type { Session } from "./session.ts";
import { type Names, type VerbOptions, VmVerbs } from "./vm_verbs.ts";

/** How a question is given up. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What a client is made of. */
export interface ClientParts {
  /** A connection; each stream gets one of its own. */
  readonly connect: () => Api;
  readonly session: Session;
  readonly onCallbackError: OnCallbackError | undefined;
}

/** How long the end of a session is waited for when a client closes. */
const LOGOUT_MS = 2_000;

/** A logged-in client. */
export class Client extends VmVerbs implements AsyncDisposable {
  readonly #parts: ClientParts;
  readonly #api: Api;
  readonly #closing = new AbortController();
  /** Who listens with `on`, and the watch that serves them all. */
  #shared: { readonly site: LiveSite; listeners: number } | null = null;

  constructor(parts: ClientParts) {
    super();
    this.#parts = parts;
    this.#api = parts.connect();
  }

  /** The controller's origin. */
  get controller(): string {
    return this.#api.controller;
  }

  /** Sends any verb. */
  override send<V extends Verb>(
    verb: V,
    names: Names,
    options: VerbOptions<V>,
  ): SentRequest {
    const { signal, onProgress, ...rest } = options as
      & RequestOptions
      & { readonly id?: string | undefined };
    const id = rest.id ?? newId();
    const list = typeof names === "string" ? [names] : [...names];
    const body = { ...rest, id, verb, names: list } as unknown as Body<
      "submit"
    >;
    return this.#sent({ id, body }, { signal, onProgress });
  }

  /** Comes back to a request that was sent before, by this client or another. */
  attach(id: string, options: RequestOptions = {}): SentRequest {
    return this.#sent({ id }, options);
  }

  /** VMs by name; `filter` as in `usher vm list`, such as `state=running`. */
  async vms(
    query: { readonly names?: Names; readonly filter?: string } = {},
    options: CallOptions = {},
  ): Promise<readonly VmView[]> {
    const { names, filter } = query;
    const listed = typeof names === "string" ? names : names?.join(",");
    const input = { query: { names: listed, filter } };
    return (await this.call("vms", input, options)).vms;
  }

  /** One VM, by name or the beginning of its id. */
  vm(name: string, options: CallOptions = {}): Promise<VmView> {
    return this.call("vm", { params: { name } }, options);
  }

  /** The nodes of the site. */
  async nodes(options: CallOptions = {}): Promise<readonly NodeView[]> {
    return (await this.call("nodes", {}, options)).nodes;
  }

  /** One node. */
  node(name: string, options: CallOptions = {}): Promise<NodeView> {
    return this.call("node", { params: { name } }, options);
  }

  /** Clusters that this client may see. */
  async clusters(options: CallOptions = {}): Promise<readonly ClusterView[]> {
    return (await this.call("clusters", {}, options)).clusters;
  }

  /** Makes an empty cluster, where it is not there; VMs make theirs by themselves. */
  createCluster(
    name: string,
    options: CallOptions = {},
  ): Promise<Answer<"createCluster">> {
    return this.call("createCluster", { body: { name } }, options);
  }

  /** Forgets a cluster that has no VMs. */
  deleteCluster(
    name: string,
    options: CallOptions = {},
  ): Promise<Answer<"deleteCluster">> {
    return this.call("deleteCluster", { params: { name } }, options);
  }

  /** Lets a user or a group see a cluster's VMs, or control them. */
  shareCluster(
    name: string,
    share: Body<"shareCluster">,
    options: CallOptions = {},
  ): Promise<Answer<"shareCluster">> {
    const input = { params: { name }, body: share };
    return this.call("shareCluster", input, options);
  }

  /** Ends such a share. */
  unshareCluster(
    name: string,
    share: Body<"unshareCluster">,
    options: CallOptions = {},
  ): Promise<Answer<"unshareCluster">> {
    const input = { params: { name }, body: share };
    return this.call("unshareCluster", input, options);
  }

  /** One operation, by id. */
  operation(id: string, options: CallOptions = {}): Promise<Operation> {
    return this.call("operation", { params: { id } }, options);
  }

  /** Who this client is to the controller. */
  whoami(options: CallOptions = {}): Promise<Answer<"whoami">> {
    return this.call("whoami", {}, options);
  }

  /** Asks any route of the API. */
  async call<R extends RouteName>(
    route: R,
    input: Omit<CallInput<R>, "signal"> = {},
    { signal }: CallOptions = {},
  ): Promise<Answer<R>> {
    if (this.#closing.signal.aborted) throw await closed();
    using joined = this.#joined(signal);
    return await this.#api.call(route, { ...input, signal: joined.signal });
  }

  /** Opens the serial line of a VM. */
  async console(
    name: string,
    { signal, ...options }: ConsoleOptions = {},
  ): Promise<GuestConsole> {
    if (this.#closing.signal.aborted) throw await closed();
    const api = this.#parts.connect();
    const joined = this.#joined(signal);
    const leave = () => {
      joined[Symbol.dispose]();
      api[Symbol.dispose]();
    };
    try {
      const line = await GuestConsole.open(api, name, {
        ...options,
        signal: joined.signal,
      });
      void line.closed.catch(() => {}).finally(leave);
      return line;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Live copies of what this client may see. */
  watch({ signal, ...options }: WatchOptions = {}): LiveSite {
    const joined = this.#joined(signal);
    return new LiveSite({
      api: this.#parts.connect(),
      onCallbackError: this.#parts.onCallbackError,
      onEnd: () => joined[Symbol.dispose](),
    }, { ...options, signal: joined.signal });
  }

  /**
   * Calls `callback` at each `event` until the answer is disposed of. All
   * callbacks of a client share one watch, which ends with the last of them.
   */
  on<E extends keyof LiveEvents>(
    event: E,
    callback: (...args: LiveEvents[E]) => unknown,
  ): Disposable {
    const shared = this.#shared ??= {
      site: this.watch({ kinds: ["vm", "node", "cluster", "operation"] }),
      listeners: 0,
    };
    shared.listeners++;
    const subscription = shared.site.on(event, callback);
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        subscription[Symbol.dispose]();
        if (--shared.listeners > 0) return;
        shared.site.close();
        if (this.#shared === shared) this.#shared = null;
      },
    };
  }

  /** Gives up all that goes on, and ends the session that it opened. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(await closed());
    if (this.#parts.session.isOwn) {
      const signal = AbortSignal.timeout(LOGOUT_MS);
      await this.#api.call("logout", { signal }).catch(() => {});
    }
    this.#api[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #joined(signal: AbortSignal | undefined): JoinedSignal {
    const closing = this.#closing.signal;
    return new JoinedSignal(closing, ...(signal === undefined ? [] : [signal]));
  }

  #sent(
    followed: { readonly id: string; readonly body?: Body<"submit"> },
    { signal, onProgress }: RequestOptions,
  ): SentRequest {
    const joined = this.#joined(signal);
    const { id, body } = followed;
    return new SentRequest(body === undefined ? { id } : { id, body }, {
      api: this.#parts.connect(),
      signal: joined.signal,
      onCallbackError: this.#parts.onCallbackError,
      cancel: (request) =>
        this.call("cancelRequest", { params: { id: request } }),
      onEnd: () => joined[Symbol.dispose](),
    }, onProgress);
  }
}

function closed(): Promise<Error> {
  return failure("cancelled", "The client is closed");
}
