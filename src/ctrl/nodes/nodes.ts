/**
 * Nodes: joining, authenticating, coming and going.
 *
 * A node is `ready` while a session of it lives and has told all its domains,
 * `silent` when that ended, `lost` once it has been silent for a lease, and
 * `dead` when an administrator says so (`declare_dead.ts`).
 * Losing a node changes no VM but what is known of it.
 *
 * @module
 */
import { UsherError } from "../../error/mod.ts";
import type { EnrolAnswer, EnrolRequest, UpFrame } from "../../schema/frame.ts";
import {
  DEFAULT_OVERCOMMIT,
  type DriverReport,
  type Node,
  type NodeState,
} from "../../schema/node.ts";
import { nearest } from "../../schema/nearest.ts";
import { JoinTokenRecord, NodeSecretRecord } from "../../schema/stored.ts";
import { keys } from "../../store/key.ts";
import type { Store } from "../../store/store.ts";
import { hashToken } from "../auth/accounts.ts";
import { isoTime } from "../../sys/clock.ts";
import { type CtrlContext, isoNow } from "../context.ts";
import type { Records } from "../records/records.ts";

/** A node's first frame. */
export type Hello = Extract<UpFrame, { type: "hello" }>;

/** The nodes of the site. */
export class Nodes {
  readonly #context: CtrlContext;
  readonly #records: Records;
  readonly #store: Store;
  readonly #newSecret: () => string;
  readonly #tokens = new Map<string, JoinTokenRecord>();
  readonly #secrets = new Map<string, NodeSecretRecord>();

  private constructor(
    context: CtrlContext,
    records: Records,
    store: Store,
    newSecret: () => string,
  ) {
    this.#context = context;
    this.#records = records;
    this.#store = store;
    this.#newSecret = newSecret;
  }

  /** Reads join tokens and nodes' secrets. */
  static async load(
    context: CtrlContext,
    records: Records,
    store: Store,
    newSecret: () => string,
  ): Promise<Nodes> {
    const nodes = new Nodes(context, records, store, newSecret);
    for await (const { value } of store.list(keys.joinTokens())) {
      const token = JoinTokenRecord.parse(value);
      nodes.#tokens.set(token.hash, token);
    }
    for await (const { value } of store.list(keys.nodeSecrets())) {
      const secret = NodeSecretRecord.parse(value);
      nodes.#secrets.set(secret.name, secret);
    }
    return nodes;
  }

  /** A secret with which one node may join, once, for `ttlMs`. */
  async newToken(
    node: string | null,
    ttlMs: number,
  ): Promise<{ secret: string; expiresAt: string }> {
    const secret = this.#newSecret();
    const token: JoinTokenRecord = {
      v: 1,
      hash: hashToken(secret),
      node,
      expiresAt: new Date(this.#context.clock.now() + ttlMs).toISOString(),
    };
    await this.#store.commit([{
      type: "set",
      key: keys.joinToken(token.hash),
      value: token,
    }]);
    this.#tokens.set(token.hash, token);
    return { secret, expiresAt: token.expiresAt };
  }

  /** Lets a node join: its token is used up, and it gets a secret of its own. */
  async enrol(request: EnrolRequest): Promise<EnrolAnswer> {
    const hash = hashToken(request.secret);
    const secret = this.#newSecret();
    const record: NodeSecretRecord = {
      v: 1,
      name: request.name,
      hash: hashToken(secret),
    };
    // From the look at the token to its end nothing is waited for: once only.
    const token = this.#usableToken(hash, request.name);
    this.#tokens.delete(hash);
    try {
      await this.#store.commit([
        { type: "delete", key: keys.joinToken(hash) },
        { type: "set", key: keys.nodeSecret(request.name), value: record },
      ]);
    } catch (error) {
      this.#tokens.set(hash, token);
      throw error;
    }
    this.#secrets.set(request.name, record);
    this.#context.log.info("a node joined", { node: request.name });
    return { name: request.name, secret };
  }

  /** Throws why a join token lets nobody of this name in. */
  checkJoin({ secret, name }: Pick<EnrolRequest, "secret" | "name">): void {
    this.#usableToken(hashToken(secret), name);
  }

  /** The token with this hash, once it lets node `name` in. */
  #usableToken(hash: string, name: string): JoinTokenRecord {
    const token = this.#tokens.get(hash);
    const hint = 'print a new one with "usher node token"';
    if (token === undefined) {
      throw new UsherError(
        "unauthenticated",
        "This join token is unknown or was used already",
        { hint },
      );
    }
    if (token.expiresAt <= isoNow(this.#context)) {
      throw new UsherError(
        "unauthenticated",
        `This join token expired at ${token.expiresAt}`,
        { hint },
      );
    }
    if (token.node !== null && token.node !== name) {
      throw new UsherError(
        "permission_denied",
        `This join token is for node "${token.node}", not "${name}"`,
        { hint },
      );
    }
    this.#refuseTaken(token, name);
    return token;
  }

  /** A name that a node has already is given again only on purpose. */
  #refuseTaken(token: JoinTokenRecord, name: string): void {
    if (this.#records.nodes.latest(name)?.state === "ready") {
      throw new UsherError(
        "already_exists",
        `A node "${name}" is connected already`,
        { hint: "give this node another name (--name)" },
      );
    }
    if (!this.#secrets.has(name) || token.node === name) return;
    throw new UsherError(
      "already_exists",
      `A node "${name}" has joined already`,
      {
        hint:
          `give this node another name (--name), or let it take that one's place with "usher node token --node ${name}"`,
      },
    );
  }

  /**
   * Removes join tokens that have been over for a day; returns how many. Until
   * then who comes with one is told that it expired.
   */
  async sweep(): Promise<number> {
    const before = isoTime(this.#context.clock.now() - 86_400_000);
    const over = [...this.#tokens.values()].filter(({ expiresAt }) =>
      expiresAt <= before
    ).map(({ hash }) => hash);
    if (over.length === 0) return 0;
    await this.#store.commit(
      over.map((hash) => ({ type: "delete", key: keys.joinToken(hash) })),
    );
    for (const hash of over) this.#tokens.delete(hash);
    return over.length;
  }

  /** The error for a node that is not known, with the nearest name. */
  unknown(name: string): UsherError {
    const names = [...this.#records.nodes.values()].map((node) => node.name);
    const near = nearest(name, names);
    return new UsherError("not_found", `There is no node "${name}"`, {
      hint: near === null
        ? 'see what there is with "usher node list"'
        : `did you mean "${near}"?`,
      subject: name,
    });
  }

  /** Whether this is the secret that a node was given when it joined. */
  isSecretOf(name: string, secret: string): boolean {
    return this.#secrets.get(name)?.hash === hashToken(secret);
  }

  /** Whether a node of this name has ever told of itself. */
  isKnown(name: string): boolean {
    return this.#records.nodes.latest(name) !== undefined;
  }

  /** Notes what a node tells of itself, with its state. */
  async describe(hello: Hello, state: NodeState): Promise<void> {
    const known = this.#records.nodes.latest(hello.name);
    const at = isoNow(this.#context);
    const node: Node = {
      v: 1,
      name: hello.name,
      state,
      since: known?.state === state ? known.since : at,
      version: hello.version,
      capacity: hello.capacity,
      drivers: hello.drivers,
      overcommit: hello.overcommit ?? DEFAULT_OVERCOMMIT,
      draining: known?.draining ?? false,
      labels: hello.labels,
      bootId: hello.bootId,
      joinedAt: known?.joinedAt ?? at,
      revision: 0,
    };
    await this.#records.write([{
      kind: "node",
      key: node.name,
      value: node,
      note: state,
    }]);
  }

  /** Why nothing of an earlier boot runs on a node any more; undefined when that is not known. */
  rebootOf({ name, bootId }: Hello): string | undefined {
    const before = this.#records.nodes.latest(name)?.bootId ?? "";
    if (before === "" || bootId === "" || before === bootId) return undefined;
    return `its node ${name} has rebooted (boot ${bootId.slice(0, 8)} after ${
      before.slice(0, 8)
    })`;
  }

  /** Notes what drivers a node has now. */
  async setDrivers(name: string, drivers: DriverReport[]): Promise<void> {
    const node = this.#records.nodes.latest(name);
    if (node === undefined) return;
    await this.#records.write([{
      kind: "node",
      key: name,
      value: { ...node, drivers },
      note: "drivers changed",
    }]);
  }

  /** Notes a node's state; nothing happens when it is in it already. */
  async setState(name: string, state: NodeState): Promise<void> {
    const node = this.#records.nodes.latest(name);
    if (node === undefined || node.state === state) return;
    const value = { ...node, state, since: isoNow(this.#context) };
    await this.#records.write([{
      kind: "node",
      key: name,
      value,
      note: state,
    }]);
  }
}
