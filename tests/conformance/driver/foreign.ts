/**
 * Domains that usher did not make: left alone whatever is asked, and adopted
 * where the administrator says so.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import type {
  Adoption,
  DomainPlan,
  DomainReport,
} from "../../../src/driver/driver.ts";
import { isUsherError } from "../../../src/error/mod.ts";
import { until } from "../../support/wait.ts";
import {
  checkListed,
  type ConformanceTest,
  type DriverHarness,
  listed,
  noAbort,
  powerOff,
  rejectsWith,
  stateOf,
} from "./harness.ts";

/** The report of the domain that the hypervisor calls `name`. */
async function reportOf(
  node: DriverHarness,
  name: string,
): Promise<DomainReport> {
  return await until(`${name} is listed`, async () => {
    const all = await node.driver.list(noAbort());
    return all.find((report) => report.name === name);
  }, node);
}

function adoptionOf({ driver }: DriverHarness): Adoption {
  ok(
    driver.adoption !== undefined,
    "the driver has no `adoption`, and the suite was not told",
  );
  return driver.adoption;
}

/** Starts a foreign domain and adopts it as the domain of the plan that comes with it. */
async function adopted(node: DriverHarness): Promise<{
  readonly foreign: DomainReport;
  readonly report: DomainReport;
  readonly plan: DomainPlan;
}> {
  const foreign = await reportOf(node, await node.plantForeign());
  const plan = await node.plan();
  const adoption = adoptionOf(node);
  const report = await adoption.adopt(foreign.domain, plan, noAbort());
  return { foreign, report, plan };
}

const alone: readonly ConformanceTest[] = [
  {
    promises: [19],
    name: "no verb for a uid that is not there touches a domain of others",
    needs: ["plantForeign"],
    async run(node) {
      const name = await node.plantForeign();
      const { domain } = await reportOf(node, name);

      // What the driver calls a foreign domain is no uid of ours.
      for (const uid of [domain, name]) {
        for (const graceMs of [0, 300]) {
          await node.driver.stop(uid, { graceMs, signal: noAbort() })
            .catch(() => {});
        }
        await node.driver.pausing?.pause(uid, noAbort()).catch(() => {});
        await node.driver.forget(uid, noAbort()).catch(() => {});
      }

      const report = await reportOf(node, name);
      deepStrictEqual([report.uid, report.state], [null, "running"]);
    },
  },
  {
    promises: [19],
    name: "a VM with the name of a foreign domain touches nothing of that",
    needs: ["plantForeign"],
    async run(node) {
      const plan = await node.plan();
      await node.plantForeign(plan.name);

      const error = await node.driver.start(plan, noAbort()).then(
        () => null,
        (error: unknown) => error,
      );

      ok(error === null || isUsherError(error, "already_exists"), `${error}`);
      const state = error === null ? "running" : "absent";
      deepStrictEqual(await stateOf(node, plan.uid), state);
      await powerOffIfThere(node, plan.uid);
      const all = await node.driver.list(noAbort());
      deepStrictEqual(
        all.filter(({ uid, name }) => uid === null && name === plan.name)
          .map((report) => report.state),
        ["running"],
      );
    },
  },
];

async function powerOffIfThere(
  node: DriverHarness,
  uid: string,
): Promise<void> {
  await node.driver.stop(uid, { graceMs: 0, signal: noAbort() });
}

const adopting: readonly ConformanceTest[] = [
  {
    promises: [20, 3, 10],
    name:
      "an adopted domain runs on, under its old name at the hypervisor, now and for a later LNM",
    needs: ["plantForeign", "adoption"],
    async run(node) {
      const { foreign, report, plan } = await adopted(node);
      const given = (
        { uid, domain, state, generation, incarnation }: DomainReport,
      ) => [uid, domain, state, generation, incarnation];
      const expected = [
        ...[plan.uid, foreign.domain, "running"],
        ...[plan.generation, plan.incarnation],
      ];
      deepStrictEqual(given(report), expected);

      const again = await adoptionOf(node).adopt(
        foreign.domain,
        await node.plan(),
        noAbort(),
      );
      deepStrictEqual(again.uid, plan.uid, "adopted twice");
      await node.reopen();

      deepStrictEqual(given(await checkListed(node, plan.uid, "running")), [
        ...expected,
      ]);
      deepStrictEqual(await node.occupants(), [plan.uid]);
      const { spec } = await node.driver.inspect(plan.uid, noAbort());
      deepStrictEqual(spec?.power, "on");
    },
  },
  {
    promises: [20],
    name: "an adopted domain is paused, cut off and started like any other",
    needs: ["plantForeign", "adoption", "pausing"],
    async run(node) {
      const { plan } = await adopted(node);
      const { uid } = plan;
      await node.driver.pausing!.pause(uid, noAbort());
      await checkListed(node, uid, "paused");
      await node.driver.pausing!.resume(uid, noAbort());
      const { spec } = await node.driver.inspect(uid, noAbort());
      ok(spec !== undefined, "what it is made of is not told");
      await powerOff(node, uid);

      await node.driver.start({ ...plan, spec, incarnation: "2" }, noAbort());

      const { incarnation } = await checkListed(node, uid, "running");
      deepStrictEqual(incarnation, "2");
      deepStrictEqual(await node.occupants(), [uid]);
    },
  },
  {
    promises: [21],
    name: "forgetting an adopted domain gives back what was there before",
    needs: ["plantForeign", "adoption"],
    async run(node) {
      const { foreign, plan } = await adopted(node);
      await rejectsWith(
        node.driver.forget(plan.uid, noAbort()),
        "wrong_state",
      );
      await powerOff(node, plan.uid);

      await node.driver.forget(plan.uid, noAbort());

      deepStrictEqual(await listed(node, plan.uid), []);
      deepStrictEqual(await node.leftovers(plan.uid), []);
      const left = (await node.driver.list(noAbort()))
        .filter(({ name }) => name === foreign.name);
      deepStrictEqual(
        left.map(({ uid, domain }) => [uid, domain]),
        node.foreignStays ? [[null, foreign.domain]] : [],
      );
    },
  },
  {
    promises: [20],
    name: "a domain that is not there is not adopted",
    needs: ["adoption"],
    async run(node) {
      await rejectsWith(
        adoptionOf(node).adopt("no-such-domain", await node.plan(), noAbort()),
        "not_found",
      );
    },
  },
];

/** The tests of this file. */
export const foreignTests: readonly ConformanceTest[] = [...alone, ...adopting];
