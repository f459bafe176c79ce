/**
 * What people are told, which must not depend on the hypervisor: the same
 * states for the same verb, and its own words when it refuses.
 *
 * @module
 */
import { deepStrictEqual, match, ok } from "node:assert/strict";
import { STATES_TOLD } from "../../../src/driver/driver.ts";
import { isUsherError } from "../../../src/error/mod.ts";
import type { DomainState } from "../../../src/schema/vm.ts";
import {
  type ConformanceTest,
  type DriverHarness,
  noAbort,
  powerOff,
  rejectsWith,
  startNew,
  Watching,
} from "./harness.ts";

type Verb = keyof typeof STATES_TOLD;

/** What `watch` tells of one domain, verb by verb. */
class Told {
  readonly #watching: Watching;
  readonly #uid: string;
  #from = 0;
  #before: DomainState | undefined;

  constructor(watching: Watching, uid: string) {
    this.#watching = watching;
    this.#uid = uid;
  }

  /** Carries out `verb` by `act`, and holds what was told since to the contract. */
  async of(verb: Verb, act: () => Promise<unknown>): Promise<void> {
    await act();
    const expected: readonly DomainState[] = STATES_TOLD[verb];
    const last = expected.at(-1)!;
    await this.#watching.until(this.#uid, last);
    const all = this.#watching.statesOf(this.#uid);
    const told = all.slice(this.#from).filter((state, at, its) =>
      state !== (at === 0 ? this.#before : its[at - 1])
    );
    ok(
      isPartOf(told, expected),
      `${verb} told ${told.join(", ")} and not ${expected.join(", ")}`,
    );
    this.#from = all.length;
    this.#before = last;
  }
}

/** Whether `told` is `expected` without some of its states. */
function isPartOf(
  told: readonly DomainState[],
  expected: readonly DomainState[],
): boolean {
  let at = 0;
  for (const state of told) {
    at = expected.indexOf(state, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

async function toldOf(
  node: DriverHarness,
  watching: Watching,
): Promise<{ told: Told; uid: string; start: () => Promise<unknown> }> {
  const plan = await node.plan();
  const told = new Told(watching, plan.uid);
  const start = () => node.driver.start(plan, noAbort());
  await told.of("start", start);
  return { told, uid: plan.uid, start };
}

const states: readonly ConformanceTest[] = [
  {
    promises: [17],
    name: "the states told of a start and a power cut are those of any driver",
    async run(node) {
      await using watching = new Watching(node);
      const { told, uid, start } = await toldOf(node, watching);

      await told.of("poweroff", () => powerOff(node, uid));
      await told.of("start", start);
      await told.of("poweroff", () => powerOff(node, uid));
    },
  },
  {
    promises: [17],
    name: "the states told of a shutdown are those of any driver",
    async run(node) {
      await using watching = new Watching(node);
      const { told, uid } = await toldOf(node, watching);
      await node.guestUp(uid);

      await told.of("shutdown", () =>
        node.driver.stop(uid, {
          graceMs: node.deadlineMs,
          signal: noAbort(),
        }));
    },
  },
  {
    promises: [17],
    name:
      "the states told of a shutdown that is ignored are those of any driver",
    needs: ["deaf"],
    async run(node) {
      await using watching = new Watching(node);
      const { uid } = await startNew(node, "deaf");
      const told = new Told(watching, uid);
      await told.of("start", () => Promise.resolve());
      await node.guestUp(uid);

      await told.of("refused", () =>
        rejectsWith(
          node.driver.stop(uid, { graceMs: 300, signal: noAbort() }),
          "timed_out",
        ));
    },
  },
  {
    promises: [17],
    name: "the states told of a pause and of going on are those of any driver",
    needs: ["pausing"],
    async run(node) {
      await using watching = new Watching(node);
      const { told, uid } = await toldOf(node, watching);
      const { pausing } = node.driver;

      await told.of("pause", () => pausing!.pause(uid, noAbort()));
      await told.of("resume", () => pausing!.resume(uid, noAbort()));
    },
  },
  {
    promises: [17],
    name: "the states told of a guest's own end are those of any driver",
    needs: ["shutDownGuest"],
    async run(node) {
      await using watching = new Watching(node);
      const { told, uid } = await toldOf(node, watching);
      await node.guestUp(uid);

      await told.of("end", () => node.shutDownGuest(uid));
    },
  },
  {
    promises: [17],
    name: "the states told of a crash are those of any driver",
    needs: ["crashGuest"],
    async run(node) {
      await using watching = new Watching(node);
      const { told, uid } = await toldOf(node, watching);

      await told.of("crash", () => node.crashGuest(uid));
    },
  },
];

const words: readonly ConformanceTest[] = [
  {
    promises: [18],
    name: "a start that the hypervisor refuses says so in its own words",
    async run(node) {
      const broken = await node.plan("broken");

      const error = await node.driver.start(broken, noAbort()).then(
        () => null,
        (error: unknown) => error,
      );

      ok(isUsherError(error, "driver_failed"), String(error));
      match(error.message, node.refusalWords);
      deepStrictEqual(error.message.split("\n").length, 1);
    },
  },
];

/** The tests of this file. */
export const toldTests: readonly ConformanceTest[] = [...states, ...words];
