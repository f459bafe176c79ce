/**
 * The suite that holds every driver to the numbered promises of
 * `src/driver/driver.ts`. A test's name begins with the promises it proves.
 *
 * A driver joins with one file that calls `driverConformance` with a way to
 * make a node (`driver/harness.ts`). What its hypervisor cannot do is named
 * in `cannot`, with the reason, and those tests are skipped, never others.
 *
 * @module
 */
import type { DriverHarness } from "./driver/harness.ts";
import { keepColumn } from "./driver/columns.ts";
import { Findings } from "./driver/matrix.ts";
import {
  type Cannot,
  driverTests,
  titleOf,
  versionOf,
  whyNot,
} from "./driver/suite.ts";

export type {
  Ability,
  ConformanceTest,
  DriverHarness,
  PlanKind,
} from "./driver/harness.ts";

/** What the suite must know before it runs. */
export interface ConformanceOptions {
  /** Abilities that this hypervisor cannot have, each with the reason. */
  readonly cannot?: Cannot;
  /** Why nothing of the suite can run on this machine; absent when it can. */
  readonly skip?: string | undefined;
}

/**
 * Declares the suite's tests for one driver; `open` makes a new node for each.
 * When all have run, what came of them is kept for the matrix.
 */
export function driverConformance(
  driver: string,
  open: () => Promise<DriverHarness>,
  { cannot = {}, skip }: ConformanceOptions = {},
): void {
  const findings = new Findings();
  let version = "";
  let ran = 0;
  for (const test of driverTests) {
    const missing = whyNot(test, cannot);
    if (missing !== undefined) findings.note(test, { cannot: missing });
    const reason = skip ?? missing;
    Deno.test({
      name: `${driver} ${titleOf(test)}${
        reason === undefined ? "" : ` (skipped: ${reason})`
      }`,
      ignore: reason !== undefined,
      async fn() {
        ran++;
        try {
          await using node = await open();
          version ||= await versionOf(node);
          await test.run(node);
          findings.note(test, "kept");
        } catch (error) {
          findings.note(test, "failed");
          throw error;
        }
      },
    });
  }
  Deno.test.afterAll(async () => {
    // A run of a part says nothing of the whole.
    const all = driverTests.filter((test) =>
      whyNot(test, cannot) === undefined
    );
    if (ran < all.length) return;
    const name = driver.replace(/:$/, "");
    await keepColumn(
      findings.column(name, version, new Date().toISOString()),
    );
  });
}
