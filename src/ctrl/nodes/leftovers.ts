/**
 * Leftovers: copies of domains that a migration left on a node which was out of
 * reach when they should have gone.
 *
 * What is noted here follows from what nodes report, so it survives nothing:
 * a node that comes back reports it again. Nothing that runs is ever ended,
 * and nothing is done while an operation holds the VM.
 *
 * @module
 */
import {
  actionFor,
  type CopyAction,
  roleOf,
  transferOf,
} from "../../core/migration.ts";
import { isUsherError, messageOf } from "../../error/mod.ts";
import type { ActVerb, DomainFrame } from "../../schema/frame.ts";
import type { Operation } from "../../schema/operation.ts";
import type { DomainState, Vm } from "../../schema/vm.ts";
import { Deadline } from "../../sys/clock.ts";
import type { CtrlContext } from "../context.ts";
import type { NodeLinks } from "./node_links.ts";
import type { Records } from "../records/records.ts";

/** How long a node may take to clear a copy away. */
const CLEAR_MS = 60_000;

/** After a failure a copy is left alone for so long, and longer each time. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/** A copy, and how often clearing it away has failed. */
interface Leftover {
  readonly node: string;
  readonly driver: string;
  readonly uid: string;
  /** As its node reports it; null when only its being there is feared. */
  state: DomainState | null;
  failures: number;
  notBefore: number;
  busy: boolean;
}

/** What clearing away needs. */
export interface LeftoverParts {
  readonly context: CtrlContext;
  readonly records: Records;
  readonly links: NodeLinks;
  /** Whether an operation holds the VM. */
  isHeld(uid: string): boolean;
  /** Writes what a node says of a domain. */
  report(node: string, domains: readonly DomainFrame[]): Promise<void>;
}

/** The copies that are known of. */
export class Leftovers {
  readonly #parts: LeftoverParts;
  readonly #known = new Map<string, Leftover>();

  constructor(parts: LeftoverParts) {
    this.#parts = parts;
  }

  /** How many copies are known of. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * A node reports a domain. It is a copy when the VM is another node's or it
   * must not run; of others only what is feared of them is laid to rest.
   */
  note(
    node: string,
    { uid, driver, state }: DomainFrame,
    isCopy: boolean,
  ): void {
    if (uid === null) return;
    const key = `${node} ${uid}`;
    const known = this.#known.get(key);
    if (state === "absent") {
      if (known?.busy !== true) this.#known.delete(key);
    } else if (known === undefined) {
      if (isCopy) this.#add(key, { node, uid, driver, state });
    } else if (isCopy || known.state !== null) known.state = state;
  }

  /** There may be a copy on `node`, since nobody knows what became of an act there. */
  suspect(node: string, uid: string, driver: string): void {
    const key = `${node} ${uid}`;
    if (this.#known.has(key)) return;
    this.#add(key, { node, uid, driver, state: null });
  }

  /** Whether a domain without a record is what is left of a VM that moved. */
  isOfThePast(uid: string): boolean {
    return this.#lastMigration(uid) !== undefined;
  }

  /** Clears away what can be; resolves once every node asked has answered. */
  async sweep(): Promise<void> {
    await Promise.all(
      [...this.#known].map(([key, copy]) => this.#clear(key, copy)),
    );
  }

  #add(
    key: string,
    copy: Pick<Leftover, "node" | "uid" | "driver" | "state">,
  ): void {
    this.#known.set(key, { ...copy, failures: 0, notBefore: 0, busy: false });
  }

  async #clear(key: string, copy: Leftover): Promise<void> {
    const { context, records, links, isHeld } = this.#parts;
    const isDue = copy.notBefore <= context.clock.monotonic();
    if (copy.busy || !isDue || isHeld(copy.uid)) return;
    const last = this.#lastMigration(copy.uid, copy.node);
    const vm = records.vms.latest(copy.uid);
    const role = last === undefined ? null : roleOf(copy.node, last);
    const action = actionFor(copy, vm, role);
    if (action === "later") return;
    if (action === "keep") return void this.#known.delete(key);
    if (links.get(copy.node)?.ready !== true) return;
    copy.busy = true;
    try {
      if (action === "reclaim" && vm !== undefined) {
        await this.#reclaim(copy, vm);
      }
      await this.#ask(copy, VERBS[action], last);
      this.#known.delete(key);
      context.log.info("a copy that a migration left was cleared away", {
        node: copy.node,
        vm: vm?.name ?? copy.uid,
        action,
      });
    } catch (error) {
      this.#failed(copy, action, error);
    } finally {
      copy.busy = false;
    }
  }

  async #ask(
    { node, uid, driver }: Leftover,
    verb: ActVerb,
    last: Operation | undefined,
  ): Promise<void> {
    using deadline = new Deadline(
      this.#parts.context.clock,
      CLEAR_MS,
      `answer to "${verb}"`,
    );
    const peer = last?.from === node ? last.to : last?.from;
    const link = this.#parts.links.link(node);
    const domain = await link.act({
      // A new id each time: what was answered before may be otherwise now.
      id: this.#parts.context.newId(),
      verb,
      driver,
      uid,
      plan: null,
      transfer: last === undefined
        ? { ...NO_TRANSFER, peer: node }
        : transferOf(last, peer ?? node),
      graceMs: 0,
    }, deadline.signal);
    const newest = domain === null ? null : link.newestSince(domain);
    if (domain === null || newest === null) return;
    link.used(domain);
    await this.#parts.report(node, [newest]);
  }

  /** The VM is the node's again that has all there is of it. */
  async #reclaim({ node }: Leftover, vm: Vm): Promise<void> {
    await this.#parts.records.write([{
      kind: "vm",
      key: vm.uid,
      value: { ...vm, node },
      note: `is ${node}'s again: nothing of it is on ${vm.node}`,
    }]);
  }

  #failed(copy: Leftover, action: CopyAction, error: unknown): void {
    const { context } = this.#parts;
    const pause = Math.min(
      LONGEST_PAUSE_MS,
      FIRST_PAUSE_MS * 2 ** copy.failures++,
    );
    copy.notBefore = context.clock.monotonic() + pause;
    if (isUsherError(error, "unavailable")) return;
    context.log.warn("a copy that a migration left could not be cleared away", {
      node: copy.node,
      uid: copy.uid,
      action,
      error: messageOf(error),
      againMs: pause,
    });
  }

  /** The VM's last migration, of those from or to `node` if one is named. */
  #lastMigration(uid: string, node?: string): Operation | undefined {
    let last: Operation | undefined;
    for (const operation of this.#parts.records.operations.latestValues()) {
      const { verb, begun } = operation;
      const isIts = operation.uid === uid && verb === "migrate" &&
        begun.includes("offer");
      const isHere = node === undefined || roleOf(node, operation) !== null;
      if (isIts && isHere && (last === undefined || operation.id > last.id)) {
        last = operation;
      }
    }
    return last;
  }
}

/** What a node is asked for each action. */
const VERBS = {
  release: "release",
  abort: "abort",
  activate: "activate",
  // Its guest may have run elsewhere meanwhile, and written to shared disks.
  reclaim: "stop",
} as const satisfies Partial<Record<CopyAction, ActVerb>>;

const NO_TRANSFER = {
  id: "left",
  live: true,
  options: { autoConverge: true, postCopy: false },
  offer: null,
  ticket: null,
};
