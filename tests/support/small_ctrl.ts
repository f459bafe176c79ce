/**
 * The inside of a controller, without listeners: records on a store that can
 * fail, the runner, and nodes that are a function.
 *
 * @module
 */
import type { CtrlContext } from "../../src/ctrl/context.ts";
import { Domains } from "../../src/ctrl/nodes/domains.ts";
import { Leftovers } from "../../src/ctrl/nodes/leftovers.ts";
import { Outbox } from "../../src/ctrl/events/outbox.ts";
import {
  NodeLinks,
  type NodeSession,
} from "../../src/ctrl/nodes/node_links.ts";
import { Runner } from "../../src/ctrl/operations/runner.ts";
import { Records } from "../../src/ctrl/records/records.ts";
import { Requests } from "../../src/ctrl/requests/requests.ts";
import { type Events, NO_EVENTS } from "../../src/plugin/events.ts";
import { toProblem, UsherError } from "../../src/error/mod.ts";
import type {
  DomainFrame,
  DownFrame,
  UpFrame,
} from "../../src/schema/frame.ts";
import {
  DEFAULT_OVERCOMMIT,
  type DriverReport,
} from "../../src/schema/node.ts";
import type { Operation } from "../../src/schema/operation.ts";
import { VmRequest, type VmRequestInput } from "../../src/schema/request.ts";
import type { DomainState } from "../../src/schema/vm.ts";
import { FailingStore } from "../../src/store/failing_store.ts";
import { openMemoryStore } from "../../src/store/memory_store.ts";
import { type Clock, systemClock } from "../../src/sys/clock.ts";
import { newId } from "../../src/sys/id.ts";
import { silentLog } from "../../src/sys/log.ts";
import { until } from "./wait.ts";

/** What a node is asked to do, and which node. */
export type Act = Extract<DownFrame, { type: "act" }> & {
  readonly node: string;
};

/** What a node answers, in full. */
export type Answer = Omit<Extract<UpFrame, { type: "result" }>, "type" | "id">;

/** Answers an act, with the state of its domain if nothing else matters; a promise that never ends hangs. */
export type FakeNode = (
  act: Act,
) => Promise<DomainState | Answer> | DomainState | Answer;

/** How a controller of a test is opened. */
export interface SmallCtrlOptions {
  readonly clock?: Clock;
  /** Names of its nodes; `n1` alone when absent. */
  readonly nodes?: readonly string[];
  /** A store that an earlier controller used. */
  readonly store?: FailingStore;
  /** Who hears what happens; nobody when absent. */
  readonly events?: Events;
}

const AFTER: Readonly<Record<Act["verb"], DomainState>> = {
  start: "running",
  stop: "stopped",
  pause: "paused",
  resume: "running",
  forget: "absent",
  inspect: "running",
  offer: "running",
  receive: "migrating",
  send: "migrating",
  activate: "running",
  abort: "running",
  release: "absent",
};

/** A node on which everything goes well. */
export const obedient: FakeNode = ({ verb }) => AFTER[verb];

/** Likewise, and each domain moves as it is: off, paused or running. */
export function mindful(): FakeNode {
  const states = new Map<string, DomainState>();
  return ({ verb, uid }) => {
    switch (verb) {
      case "offer":
      case "activate":
      case "abort":
      case "inspect":
        return states.get(uid) ?? "absent";
      case "receive":
      case "send":
      case "release":
        return AFTER[verb];
      default:
        states.set(uid, AFTER[verb]);
        return AFTER[verb];
    }
  };
}

/** What a node tells of a driver that works. */
export const SIM_DRIVER: DriverReport = {
  name: "sim",
  health: "healthy",
  version: "1",
  reason: "",
  attributes: {},
  abilities: ["migration"],
};

/** Someone who may do everything. */
export const ADMIN = {
  user: "ann",
  role: "admin",
  expiresAt: "",
  session: "",
} as const;

/** Records, a runner and nodes, `n1` if no others are named. */
export class SmallCtrl implements AsyncDisposable {
  readonly store: FailingStore;
  readonly records: Records;
  readonly links = new NodeLinks();
  readonly domains: Domains;
  readonly leftovers: Leftovers;
  readonly runner: Runner;
  readonly requests: Requests;
  readonly context: CtrlContext;
  /** Every act that a node was asked, in order. */
  readonly acts: Act[] = [];
  /** What the nodes do. */
  node: FakeNode = obedient;

  private constructor(
    store: FailingStore,
    records: Records,
    outbox: Outbox,
    context: CtrlContext,
    events: Events,
  ) {
    this.store = store;
    this.records = records;
    this.context = context;
    records.tellThrough(outbox);
    outbox.open();
    const { links } = this;
    this.leftovers = new Leftovers({
      context,
      records,
      links,
      isHeld: (uid) => this.runner.holderOf(uid) !== null,
      report: (node, domains) => this.domains.report(node, domains),
    });
    this.domains = new Domains(context, records, this.leftovers);
    const { domains, leftovers } = this;
    this.runner = new Runner({
      context,
      records,
      links,
      domains,
      leftovers,
      outbox,
    });
    this.requests = new Requests({
      context,
      records,
      runner: this.runner,
      defaults: () => ({ driver: "sim", vcpus: 1, memoryMiB: 64, known: [] }),
      events,
    });
  }

  static async open(
    { clock = systemClock, nodes = ["n1"], store, events = NO_EVENTS }:
      SmallCtrlOptions = {},
  ): Promise<SmallCtrl> {
    const its = store ?? new FailingStore(await openMemoryStore());
    const context = { clock, newId, log: silentLog };
    const outbox = await Outbox.load({ context, store: its, events });
    const records = await Records.load(its);
    const small = new SmallCtrl(its, records, outbox, context, events);
    for (const name of nodes) await small.join(name);
    return small;
  }

  /** A node is there, connected, and has told what it runs. */
  async join(name: string): Promise<void> {
    const at = new Date().toISOString();
    await this.records.write([{
      kind: "node",
      key: name,
      value: {
        v: 1,
        name,
        state: "ready",
        since: at,
        version: "0",
        capacity: { cpus: 64, memoryMiB: 1024 * 1024 },
        drivers: [SIM_DRIVER],
        overcommit: DEFAULT_OVERCOMMIT,
        labels: {},
        draining: false,
        joinedAt: at,
        revision: 0,
      },
    }]);
    this.connect(name);
  }

  /** The link to a node is up. */
  connect(name: string): void {
    const link = this.links.link(name);
    link.session = {
      sendReliable: (frame: DownFrame) => this.#asked(name, frame),
      isFarBehind: false,
    } as unknown as NodeSession;
    link.synced = true;
    link.wake();
  }

  /** The link to a node is cut; what it was asked is never answered. */
  cut(name: string): void {
    const link = this.links.link(name);
    link.session = null;
    link.synced = false;
    link.interruptAll("its link was cut");
  }

  /** The controller counts a node as lost. */
  async lose(name: string): Promise<void> {
    this.cut(name);
    const node = this.records.nodes.latest(name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    const value = { ...node, state: "lost" as const };
    await this.records.write([{ kind: "node", key: name, value }]);
    this.links.link(name).wake();
  }

  #asked(node: string, frame: DownFrame): void {
    if (frame.type !== "act") return;
    const act = { ...frame, node };
    this.acts.push(act);
    void Promise.resolve()
      .then(() => this.node(act))
      .then(
        (answer) =>
          typeof answer === "string" ? fullAnswer(frame, answer) : answer,
        (error) => ({ domain: null, problem: toProblem(error) }),
      )
      .then((answer) =>
        this.links.link(node).answer({
          type: "result",
          id: frame.id,
          ...answer,
        })
      );
  }

  /** Takes a request; answers the id of its first operation. */
  async submit(request: VmRequestInput): Promise<string> {
    const result = await this.requests.submit(
      VmRequest.parse(request),
      ADMIN,
    );
    return result.outcomes[0]?.operation ?? "";
  }

  /** Waits until an operation is in one of `states`, durably. */
  async reached(id: string, ...states: string[]): Promise<Operation> {
    return await until(`${id} is ${states.join(" or ")}`, () => {
      const operation = this.records.operations.get(id);
      return operation !== undefined && states.includes(operation.state)
        ? operation
        : null;
    }, { deadlineMs: 20_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner.stop();
    // What is still asked is asked once more, and ends then.
    this.node = () => {
      throw new UsherError("internal", "The test is over");
    };
    for (const link of this.links.all()) link.interruptAll("the test is over");
    await new Promise((resolve) => setTimeout(resolve, 0));
    await this.store.close();
  }
}

function fullAnswer(frame: Omit<Act, "node">, state: DomainState): Answer {
  const isForPeer = frame.verb === "offer" || frame.verb === "receive";
  return {
    domain: domainOf(frame, state),
    problem: null,
    ...(isForPeer ? { message: {} } : {}),
  };
}

/** The domain of an act, in `state`. */
export function domainOf(
  act: Omit<Act, "node">,
  state: DomainState,
): DomainFrame {
  return {
    driver: act.driver,
    uid: act.uid,
    domain: act.uid,
    name: act.plan?.name ?? "",
    state,
    reason: "",
    incarnation: act.plan?.incarnation ?? null,
    generation: act.plan?.generation ?? 0,
  };
}
