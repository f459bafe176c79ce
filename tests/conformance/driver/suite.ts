/**
 * The suite's tests as data, and the way to run them where there is no
 * `Deno.test`: in the dom0 of a lab, by a program that was made for it.
 *
 * @module
 */
import { abilityTests } from "./abilities.ts";
import { endingTests } from "./endings.ts";
import { foreignTests } from "./foreign.ts";
import type { Ability, ConformanceTest, DriverHarness } from "./harness.ts";
import { noAbort } from "./harness.ts";
import { type Came, type Column, Findings } from "./matrix.ts";
import { migrationTests } from "./migration.ts";
import { survivalTests } from "./survival.ts";
import { toldTests } from "./told.ts";
import { verbTests } from "./verbs.ts";

/** Every test of the suite. */
export const driverTests: readonly ConformanceTest[] = [
  ...verbTests,
  ...endingTests,
  ...survivalTests,
  ...toldTests,
  ...foreignTests,
  ...abilityTests,
  ...migrationTests,
];

/** Abilities that a hypervisor cannot have, each with the reason. */
export type Cannot = Readonly<Partial<Record<Ability, string>>>;

/** Why a test is not for a driver; undefined when it is. */
export function whyNot(
  { needs = [] }: ConformanceTest,
  cannot: Cannot,
): string | undefined {
  const missing = needs.find((ability) => cannot[ability] !== undefined);
  return missing === undefined ? undefined : cannot[missing];
}

/** A test's name, with the promises that it proves. */
export function titleOf({ promises, name }: ConformanceTest): string {
  return promises.length === 0 ? name : `[${promises.join(", ")}] ${name}`;
}

/** The version that the driver of a node tells; empty when it does not work. */
export async function versionOf(node: DriverHarness): Promise<string> {
  const probe = await node.driver.probe(noAbort()).catch(() => null);
  return probe?.health === "healthy" ? probe.version : "";
}

/** What came of one test in a run without `Deno.test`. */
export interface TestEnd {
  readonly title: string;
  readonly came: Came;
  /** What was thrown; absent when nothing was. */
  readonly failure?: string;
  readonly seconds: number;
}

/** What a run without `Deno.test` is told. */
export interface SuiteRun {
  readonly driver: string;
  readonly open: () => Promise<DriverHarness>;
  readonly cannot?: Cannot;
  /** Runs the tests whose titles match; all when absent. */
  readonly only?: RegExp | undefined;
  /** How long one test may take. */
  readonly deadlineMs: number;
  /** Told of each test as it ends. */
  readonly tell: (end: TestEnd) => void;
}

/** Runs the suite, one test after another; answers with its column. */
export async function runSuite(
  { driver, open, cannot = {}, only, deadlineMs, tell }: SuiteRun,
): Promise<Column> {
  const findings = new Findings();
  let version = "";
  for (const test of driverTests) {
    const title = titleOf(test);
    if (only !== undefined && !only.test(title)) continue;
    const reason = whyNot(test, cannot);
    const began = performance.now();
    const end = (came: Came, more: { failure?: string } = {}) => {
      findings.note(test, came);
      const seconds = (performance.now() - began) / 1000;
      tell({ title, came, seconds, ...more });
    };
    if (reason !== undefined) {
      end({ cannot: reason });
      continue;
    }
    try {
      await inTime(title, deadlineMs, async () => {
        await using node = await open();
        version ||= await versionOf(node);
        await test.run(node);
      });
      end("kept");
    } catch (error) {
      end("failed", { failure: textOf(error) });
    }
  }
  return findings.column(driver, version, new Date().toISOString());
}

async function inTime(
  what: string,
  ms: number,
  run: () => Promise<void>,
): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${what} took longer than ${ms / 1000} s`)),
    ms,
  );
  try {
    await Promise.race([run(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
