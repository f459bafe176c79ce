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
import { abilityTests } from "./driver/abilities.ts";
import type {
  Ability,
  ConformanceTest,
  DriverHarness,
} from "./driver/harness.ts";
import { endingTests } from "./driver/endings.ts";
import { migrationTests } from "./driver/migration.ts";
import { survivalTests } from "./driver/survival.ts";
import { verbTests } from "./driver/verbs.ts";

export type {
  Ability,
  ConformanceTest,
  DriverHarness,
  PlanKind,
} from "./driver/harness.ts";

/** What the suite must know before it runs. */
export interface ConformanceOptions {
  /** Abilities that this hypervisor cannot have, each with the reason. */
  readonly cannot?: Readonly<Partial<Record<Ability, string>>>;
  /** Why nothing of the suite can run on this machine; absent when it can. */
  readonly skip?: string | undefined;
}

/** Every test of the suite. */
export const driverTests: readonly ConformanceTest[] = [
  ...verbTests,
  ...endingTests,
  ...survivalTests,
  ...abilityTests,
  ...migrationTests,
];

/** Declares the suite's tests for one driver; `open` makes a new node for each. */
export function driverConformance(
  driver: string,
  open: () => Promise<DriverHarness>,
  { cannot = {}, skip }: ConformanceOptions = {},
): void {
  for (const test of driverTests) {
    const missing = (test.needs ?? []).find((ability) =>
      cannot[ability] !== undefined
    );
    const reason = skip ??
      (missing === undefined ? undefined : cannot[missing]);
    Deno.test({
      name: `${driver} ${titleOf(test)}${
        reason === undefined ? "" : ` (skipped: ${reason})`
      }`,
      ignore: reason !== undefined,
      async fn() {
        await using node = await open();
        await test.run(node);
      },
    });
  }
}

function titleOf({ promises, name }: ConformanceTest): string {
  return promises.length === 0 ? name : `[${promises.join(", ")}] ${name}`;
}
