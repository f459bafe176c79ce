/**
 * What a driver's tests bring so that the shared suite can hold the driver to
 * its promises: a node to break, and the ways to break it.
 *
 * @module
 */
import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import type {
  DomainPlan,
  DomainReport,
  Driver,
} from "../../../src/driver/driver.ts";
import { type ErrorCode, isUsherError } from "../../../src/error/mod.ts";
import type { DomainState } from "../../../src/schema/vm.ts";
import { until } from "../../support/wait.ts";

/** The kinds of domain that the suite asks for. */
export type PlanKind =
  /** Starts, and obeys a shutdown once its guest is up. */
  | "ordinary"
  /** Its guest ignores a shutdown. */
  | "deaf"
  /** Its start fails; ordinary once `repaired` made a plan of it. */
  | "broken"
  /** Its start takes long enough to be aborted on the way. */
  | "slow"
  /** Its start never returns. */
  | "hanging"
  /** Writes to a disk that the user named: `spec.disks[0].path`, a file that is there. */
  | "disk";

/** What not every hypervisor can do; the suite's tests name what they need. */
export type Ability =
  | Exclude<PlanKind, "ordinary" | "broken">
  | "crashGuest"
  | "shutDownGuest"
  | "loseHandle"
  | "plantForeign"
  | "freeze"
  | "dyingLnm"
  | "migration"
  | "adoption"
  /** Looks at the files that a spec names. */
  | "files"
  /** Moving a domain that is paused. */
  | "pausedMigration"
  | "pausing"
  | "console"
  | "counters";

/**
 * One node of its own for one test. Members for an ability that the node's
 * driver cannot have (see `ConformanceOptions.cannot`) are never called.
 */
export interface DriverHarness extends AsyncDisposable {
  /** The driver in use: the first, or what the last `reopen` made. */
  readonly driver: Driver;
  /** How long the suite waits for anything to come true. */
  readonly deadlineMs: number;
  /** What the hypervisor says itself when it refuses to start a `broken` domain. */
  readonly refusalWords: RegExp;
  /** Whether a planted domain is still defined once it is off. */
  readonly foreignStays: boolean;
  /** Ends the driver as the end of its LNM would, and makes another on the same node. */
  reopen(): Promise<Driver>;
  /** A plan with a new uid, name and incarnation. */
  plan(kind?: PlanKind): Promise<DomainPlan>;
  /** Resolves once the guest can hear a shutdown request. */
  guestUp(uid: string): Promise<void>;
  /** The uids of the domains of ours that occupy the node, found without the driver; twice if there are two. */
  occupants(): Promise<string[]>;
  /** What the driver keeps of `uid` on the node, found without the driver; empty when nothing. */
  leftovers(uid: string): Promise<string[]>;
  /** Lets the domain die by itself, as a fault of its own would. */
  crashGuest(uid: string): Promise<void>;
  /** Lets the guest shut itself down. */
  shutDownGuest(uid: string): Promise<void>;
  /** Loses all that the driver keeps of a running domain. */
  loseHandle(uid: string): Promise<void>;
  /** Starts a domain that usher knows nothing of; answers the name that the hypervisor has for it, `name` when given. */
  plantForeign(name?: string): Promise<string>;
  /** Keeps the hypervisor's process from answering anything. */
  freeze(uid: string): Promise<void>;
  /** Another node, which domains of this one can be sent to; it ends with this one. */
  peer(): Promise<DriverHarness>;
  /** Starts the domain from another process with the same state, and kills that process. */
  startInDyingLnm(plan: DomainPlan): Promise<void>;
}

/** One test of the suite. */
export interface ConformanceTest {
  /** The promises of `driver.ts` that it proves; empty for an optional ability. */
  readonly promises: readonly number[];
  readonly name: string;
  readonly needs?: readonly Ability[];
  run(node: DriverHarness): Promise<void>;
}

/** A signal that never aborts. */
export function noAbort(): AbortSignal {
  return new AbortController().signal;
}

/** Starts a new domain of that kind. */
export async function startNew(
  node: DriverHarness,
  kind: PlanKind = "ordinary",
): Promise<DomainPlan> {
  const plan = await node.plan(kind);
  const report = await node.driver.start(plan, noAbort());
  deepStrictEqual(
    report.state,
    "running",
    "start returned before the domain ran",
  );
  return plan;
}

/** Starts a new domain and cuts its power. */
export async function startAndStop(
  node: DriverHarness,
  kind: PlanKind = "ordinary",
): Promise<DomainPlan> {
  const plan = await startNew(node, kind);
  await powerOff(node, plan.uid);
  return plan;
}

/** Cuts the power. */
export async function powerOff(
  node: DriverHarness,
  uid: string,
): Promise<void> {
  const report = await node.driver.stop(uid, { graceMs: 0, signal: noAbort() });
  deepStrictEqual(report.state, "stopped");
}

/** The state that `inspect` tells. */
export async function stateOf(
  node: DriverHarness,
  uid: string,
): Promise<DomainState> {
  return (await node.driver.inspect(uid, noAbort())).state;
}

/** Waits until `inspect` tells one of `states`. */
export async function untilState(
  node: DriverHarness,
  uid: string,
  ...states: DomainState[]
): Promise<DomainReport> {
  return await until(`the domain is ${states.join(" or ")}`, async () => {
    const report = await node.driver.inspect(uid, noAbort());
    if (!states.includes(report.state)) {
      throw new Error(`state ${report.state}: ${report.reason}`);
    }
    return report;
  }, node);
}

/** The reports that `list` gives of `uid`. */
export async function listed(
  node: DriverHarness,
  uid: string,
): Promise<DomainReport[]> {
  return (await node.driver.list(noAbort())).filter((report) =>
    report.uid === uid
  );
}

/** Checks that `list` tells of `uid` once, in `state`, and that `inspect` agrees. */
export async function checkListed(
  node: DriverHarness,
  uid: string,
  state: DomainState,
): Promise<DomainReport> {
  const [report, ...more] = await listed(node, uid);
  ok(report !== undefined, `list leaves out a domain that is ${state}`);
  deepStrictEqual(more, [], "list tells of one domain more than once");
  deepStrictEqual(report.state, state, `list: ${report.reason}`);
  deepStrictEqual(await stateOf(node, uid), state);
  return report;
}

/** Checks that the domain is there no more, for the driver and for the node. */
export async function checkAbsent(
  node: DriverHarness,
  uid: string,
): Promise<void> {
  deepStrictEqual(await stateOf(node, uid), "absent");
  deepStrictEqual(await listed(node, uid), []);
  deepStrictEqual(
    (await node.occupants()).filter((occupant) => occupant === uid),
    [],
  );
}

/** Checks that `promise` rejects with one of `codes`. */
export async function rejectsWith(
  promise: Promise<unknown>,
  ...codes: ErrorCode[]
): Promise<void> {
  await rejects(promise, (error) => {
    ok(isUsherError(error), `threw something without a code: ${error}`);
    ok(
      codes.includes(error.code),
      `threw ${error.code} (${error.message}) and not ${codes.join(" or ")}`,
    );
    return true;
  });
}

/** What `watch` tells while a test goes on. */
export class Watching implements AsyncDisposable {
  readonly reports: DomainReport[] = [];
  readonly #stop = new AbortController();
  readonly #node: DriverHarness;
  readonly #reading: Promise<void>;

  constructor(node: DriverHarness) {
    this.#node = node;
    this.#reading = this.#read(node.driver.watch(this.#stop.signal));
  }

  /** The states told of `uid` so far. */
  statesOf(uid: string): DomainState[] {
    return this.reports.filter((report) => report.uid === uid).map((
      { state },
    ) => state);
  }

  /** Waits until the newest report of `uid` tells `state`. */
  async until(uid: string, state: DomainState): Promise<DomainReport> {
    return await until(`watch tells that the domain is ${state}`, () => {
      const newest = this.reports.findLast((report) => report.uid === uid);
      if (newest?.state !== state) {
        throw new Error(`told: ${this.statesOf(uid).join(", ") || "nothing"}`);
      }
      return newest;
    }, this.#node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }

  async #read(reports: AsyncIterable<DomainReport>): Promise<void> {
    for await (const report of reports) this.reports.push(report);
  }
}
