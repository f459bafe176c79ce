/**
 * The controller's side of its links to nodes: who is connected, and what was
 * asked of whom.
 *
 * An act stays asked while its link is cut and comes back with the resumed
 * session. When the session does not resume, or the node's lease ends, every
 * act that was asked ends as `interrupted`: its outcome is unknown until the
 * node's next `hello` tells.
 *
 * @module
 */
import { fromProblem, UsherError } from "../../error/mod.ts";
import { Inbox, Outbox } from "../../link/outbox.ts";
import type { Session } from "../../link/session.ts";
import {
  type DomainFrame,
  domainKey,
  type DownFrame,
  type UpFrame,
} from "../../schema/frame.ts";
import type { NodeUsage } from "../../schema/node.ts";
import type { PeerMessage, Progress } from "../../schema/operation.ts";
import type { VmUsage } from "../../schema/vm.ts";

/** A session as the controller has it. */
export type NodeSession = Session<UpFrame, DownFrame>;
type ActFrame = Extract<DownFrame, { type: "act" }>;

/** What a node answered to an act. */
export interface NodeAnswer {
  readonly domain: DomainFrame | null;
  /** What its driver has for its peer on another node; others have none. */
  readonly message?: PeerMessage | undefined;
}

interface Asked {
  readonly resolve: (answer: NodeAnswer) => void;
  readonly onProgress: (progress: Progress) => void;
  readonly reject: (error: unknown) => void;
}

/** One node's link, over all its sessions. */
export class NodeLink {
  readonly name: string;
  /** The id of the newest session, and its reliable frames. */
  sessionId: string | null = null;
  outbox = new Outbox<DownFrame>();
  inbox = new Inbox();
  bootId = "";
  /** What its session was let in by, hashed. */
  secretHash = "";
  session: NodeSession | null = null;
  /** Whether every domain of this session has been seen. */
  synced = false;
  /** Runs, uid to incarnation, that its guards have in hand, and that their VMs' records have not yet. */
  lateRuns = new Map<string, string>();
  usage: NodeUsage | null = null;
  /** By how much its clock is ahead of this controller's; null before it was told. */
  clockAheadMs: number | null = null;
  /** When the certificate ends that other nodes know it by, in ms since 1970; null where none is known. */
  certificateEnd: number | null = null;
  vmUsage = new Map<string, VmUsage>();
  /** When its last session ended, by the monotonic clock; null while that matters not. */
  silentSince: number | null = null;
  /** When it was last told that it was heard, by the monotonic clock; see `core/lease.ts`. */
  heardAt = 0;
  /** The newest of each domain that is not durable yet; the node watch tries again what failed. */
  readonly unnoted = new Map<string, DomainFrame>();
  readonly #asked = new Map<string, Asked>();
  /** What acts answered of domains, until something newer is heard or it is used. */
  readonly #answers = new Map<string, DomainFrame>();
  #waiters = new Set<() => void>();

  constructor(name: string) {
    this.name = name;
  }

  /** Whether acts may be asked now. */
  get ready(): boolean {
    return this.session !== null && this.synced;
  }

  /**
   * Asks for `act` and waits for its result. Throws what the node says,
   * `interrupted` when the outcome is unknown, `unavailable` when nothing was
   * sent. Aborting tells the node to stop waiting.
   */
  async act(
    act: Omit<ActFrame, "type">,
    signal: AbortSignal,
  ): Promise<DomainFrame | null> {
    return (await this.ask(act, signal)).domain;
  }

  /** As `act`, with all that the node answers, and how far it has come meanwhile. */
  async ask(
    act: Omit<ActFrame, "type">,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void = () => {},
  ): Promise<NodeAnswer> {
    // Others send while this one waits, so it looks again each time.
    while (this.session?.isFarBehind === true) {
      await this.session.untilRoom(signal);
    }
    const { session } = this;
    if (session === null) {
      throw new UsherError(
        "unavailable",
        `Node ${this.name} is out of reach`,
        { subject: this.name },
      );
    }
    signal.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const stop = () => {
        this.#asked.delete(act.id);
        this.session?.sendReliable({ type: "abandon", id: act.id });
        reject(signal.reason);
      };
      const settle = <T>(then: (value: T) => void) => (value: T) => {
        signal.removeEventListener("abort", stop);
        then(value);
      };
      this.#asked.set(act.id, {
        resolve: settle(resolve),
        reject: settle(reject),
        onProgress,
      });
      signal.addEventListener("abort", stop, { once: true });
      session.sendReliable({ type: "act", ...act });
    });
  }

  /** The node answered an act. */
  answer(frame: Extract<UpFrame, { type: "result" }>): boolean {
    const asked = this.#asked.get(frame.id);
    if (asked === undefined) return false;
    this.#asked.delete(frame.id);
    const uid = frame.domain?.uid ?? null;
    if (frame.domain !== null && uid !== null) {
      this.#answers.set(uid, frame.domain);
    }
    if (frame.problem !== null) asked.reject(fromProblem(frame.problem));
    else asked.resolve(frame);
    return true;
  }

  /**
   * Something was asked that the node answers by a stream, under this id; it says
   * by a result why there is none. Until it is disposed of.
   */
  onFailure(id: string, reject: (error: unknown) => void): Disposable {
    const resolve = () =>
      reject(
        new UsherError("internal", `Node ${this.name} opened no stream`, {
          subject: this.name,
        }),
      );
    this.#asked.set(id, { resolve, reject, onProgress: () => {} });
    return { [Symbol.dispose]: () => void this.#asked.delete(id) };
  }

  /** The node tells how far an act has come. */
  progress(id: string, progress: Progress): void {
    this.#asked.get(id)?.onProgress(progress);
  }

  /** What was heard of these domains is durable, as far as nothing newer was. */
  noted(domains: readonly DomainFrame[]): void {
    for (const domain of domains) {
      const key = domainKey(domain);
      if (this.unnoted.get(key) === domain) this.unnoted.delete(key);
    }
  }

  /** A report of a domain came: what acts answered before is older. */
  hear(domain: DomainFrame): void {
    this.unnoted.set(domainKey(domain), domain);
    this.#forgetAnswer(domain);
  }

  /**
   * The newest that was heard of a domain since `domain`, an act's answer: that
   * itself, a report that passed it before it was used and may not be durable
   * yet, or null when what passed it is.
   */
  newestSince(domain: DomainFrame): DomainFrame | null {
    if (this.#isNewest(domain)) return domain;
    return this.unnoted.get(domainKey(domain)) ?? null;
  }

  /** What an act answered was used. */
  used(domain: DomainFrame): void {
    if (this.#isNewest(domain)) this.#forgetAnswer(domain);
  }

  #isNewest(domain: DomainFrame): boolean {
    return this.#answers.get(domain.uid ?? "") === domain;
  }

  #forgetAnswer({ uid }: DomainFrame): void {
    if (uid !== null) this.#answers.delete(uid);
  }

  /** Ends everything that was asked: its outcome is unknown. */
  interruptAll(why: string): void {
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { reject } of asked) {
      reject(
        new UsherError(
          "interrupted",
          `Node ${this.name} did not answer: ${why}`,
          { subject: this.name },
        ),
      );
    }
  }

  /**
   * Breaks with it: what was asked of the node and was not answered is never
   * asked again, should it come back.
   */
  breakOff(why: string): void {
    this.sessionId = null;
    this.outbox = new Outbox<DownFrame>();
    this.inbox = new Inbox();
    this.unnoted.clear();
    this.interruptAll(why);
    this.wake();
  }

  /** Resolves once acts may be asked; rejects when `signal` aborts. */
  async untilReady(signal: AbortSignal): Promise<void> {
    while (!this.ready) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiters.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiters.add(wake);
        signal.addEventListener("abort", wake, { once: true });
      });
    }
  }

  /** Something about readiness changed. */
  wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }
}

/** The links of all nodes. */
export class NodeLinks {
  readonly #links = new Map<string, NodeLink>();

  /** The link of `name`, made when it is new. */
  link(name: string): NodeLink {
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new NodeLink(name);
      this.#links.set(name, link);
    }
    return link;
  }

  get(name: string): NodeLink | undefined {
    return this.#links.get(name);
  }

  all(): IterableIterator<NodeLink> {
    return this.#links.values();
  }
}
