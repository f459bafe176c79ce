/**
 * The inside of a controller, without listeners: records on a store that can
 * fail, the runner, and one node that is a function.
 *
 * @module
 */
import type { CtrlContext } from "../../src/ctrl/context.ts";
import { Domains } from "../../src/ctrl/domains.ts";
import { NodeLinks, type NodeSession } from "../../src/ctrl/node_links.ts";
import { Runner } from "../../src/ctrl/operations/runner.ts";
import { Records } from "../../src/ctrl/records.ts";
import { Requests } from "../../src/ctrl/requests.ts";
import { toProblem } from "../../src/error/mod.ts";
import type { DomainFrame, DownFrame } from "../../src/schema/frame.ts";
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

/** What a node is asked to do. */
export type Act = Extract<DownFrame, { type: "act" }>;

/** Answers an act with the state of its domain; a promise that never ends hangs. */
export type FakeNode = (act: Act) => Promise<DomainState> | DomainState;

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

/** What a node tells of a driver that works. */
export const SIM_DRIVER: DriverReport = {
  name: "sim",
  health: "healthy",
  version: "1",
  reason: "",
  attributes: {},
  abilities: [],
};

/** Someone who may do everything. */
export const ADMIN = {
  user: "ann",
  role: "admin",
  expiresAt: "",
  session: "",
} as const;

/** Records, a runner and a node named `n1`. */
export class SmallCtrl implements AsyncDisposable {
  readonly store: FailingStore;
  readonly records: Records;
  readonly links = new NodeLinks();
  readonly runner: Runner;
  readonly requests: Requests;
  readonly context: CtrlContext;
  /** Every act that the node was asked, in order. */
  readonly acts: Act[] = [];
  /** What the node does. */
  node: FakeNode = obedient;

  private constructor(store: FailingStore, records: Records, clock: Clock) {
    this.store = store;
    this.records = records;
    this.context = { clock, newId, log: silentLog };
    const domains = new Domains(this.context, records);
    const { context, links } = this;
    this.runner = new Runner({ context, records, links, domains });
    this.requests = new Requests({
      context,
      records,
      runner: this.runner,
      defaults: () => ({ driver: "sim", vcpus: 1, memoryMiB: 64, known: [] }),
    });
  }

  static async open(clock: Clock = systemClock): Promise<SmallCtrl> {
    const store = new FailingStore(await openMemoryStore());
    const records = await Records.load(store);
    const small = new SmallCtrl(store, records, clock);
    await small.#join();
    return small;
  }

  async #join(): Promise<void> {
    const at = new Date().toISOString();
    await this.records.write([{
      kind: "node",
      key: "n1",
      value: {
        v: 1,
        name: "n1",
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
    const link = this.links.link("n1");
    link.session = {
      sendReliable: (frame: DownFrame) => this.#asked(frame),
      isFarBehind: false,
    } as unknown as NodeSession;
    link.synced = true;
  }

  #asked(frame: DownFrame): void {
    if (frame.type !== "act") return;
    this.acts.push(frame);
    void Promise.resolve()
      .then(() => this.node(frame))
      .then(
        (state) => ({ domain: domainOf(frame, state), problem: null }),
        (error) => ({ domain: null, problem: toProblem(error) }),
      )
      .then((answer) =>
        this.links.link("n1").answer({
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
    this.links.link("n1").interruptAll("the test is over");
    await this.store.close();
  }
}

function domainOf(act: Act, state: DomainState): DomainFrame {
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
