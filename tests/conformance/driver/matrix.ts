/**
 * The matrix: which driver keeps which promise, as one run of the suite found.
 *
 * Each driver's column is written beside the build by whoever ran the suite,
 * here or on a machine of a lab, and read back to be printed as one table.
 * What was not run is a question, never a yes.
 *
 * @module
 */
import type { ConformanceTest } from "./harness.ts";

/** What the suite holds drivers to: promises by number, abilities by name. */
export const ROWS: Readonly<Record<string, string>> = {
  1: "verbs are idempotent",
  2: "list is the truth",
  3: "handles outlive usher",
  4: "an abort stops the waiting alone",
  5: "a start that fails leaves nothing",
  6: "one domain a uid",
  7: "ends are reported, with evidence",
  8: "a grace asks, a power cut works",
  9: "forget takes what the driver kept",
  10: "what start was given is kept",
  11: "guests outlive their LNM",
  12: "a guest never runs in two places",
  13: "a migration that fails is undone",
  14: "a target overwrites no file",
  17: "the same states for the same verb",
  18: "the hypervisor's own words",
  19: "others' domains are left alone",
  20: "adopting touches nothing",
  21: "an adopted domain is given back",
  probe: "says what it is",
  counters: "counts what guests use",
  pausing: "pauses and goes on",
  console: "the serial line",
};

/** What came of one test. */
export type Came = "kept" | "failed" | { readonly cannot: string };

/** What one run found of one driver, by row. */
export interface Column {
  readonly driver: string;
  /** When the run ended, ISO 8601. */
  readonly at: string;
  /** Such as `QEMU 7.2.22`; empty when unknown. */
  readonly version: string;
  readonly rows: Readonly<Record<string, readonly Came[]>>;
}

/** Gathers what a run finds. */
export class Findings {
  readonly #rows: Record<string, Came[]> = {};

  note(test: ConformanceTest, came: Came): void {
    for (const row of rowsOf(test)) (this.#rows[row] ??= []).push(came);
  }

  column(driver: string, version: string, at: string): Column {
    return { driver, version, at, rows: this.#rows };
  }
}

/** A test without a promise is one of the ability that its name begins with. */
function rowsOf({ promises, name }: ConformanceTest): string[] {
  const [ability = ""] = name.split(":");
  const its = ability in ROWS ? [ability] : [];
  return [...promises.map(String), ...its];
}

/** What is said of a row: kept, failed, not offered or not run, and how many tests say so. */
export function verdictOf(came: readonly Came[] | undefined): string {
  if (came === undefined || came.length === 0) return "not run";
  const failed = came.filter((it) => it === "failed").length;
  if (failed > 0) return `FAILED ${failed} of ${came.length}`;
  const kept = came.filter((it) => it === "kept").length;
  if (kept === 0) return "not offered";
  return kept === came.length
    ? `kept (${kept})`
    : `kept (${kept} of ${came.length})`;
}

/** The table of all columns, and below it why something is not offered. */
export function renderMatrix(columns: readonly Column[]): string {
  const head = ["", "promise", ...columns.map(({ driver }) => driver)];
  const body = Object.entries(ROWS).map(([row, about]) => [
    row,
    about,
    ...columns.map(({ rows }) => verdictOf(rows[row])),
  ]);
  const table = [head, ...body];
  const widths = head.map((_, at) =>
    Math.max(...table.map((line) => (line[at] ?? "").length))
  );
  const lines = table.map((line) =>
    line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ").trimEnd()
  );
  return [...lines, "", ...columns.flatMap(footnotes)].join("\n").trimEnd();
}

function footnotes({ driver, version, at, rows }: Column): string[] {
  const reasons = new Map<string, string[]>();
  for (const [row, came] of Object.entries(rows)) {
    for (const it of came) {
      if (typeof it === "string") continue;
      const its = reasons.get(it.cannot) ?? [];
      if (!its.includes(row)) its.push(row);
      reasons.set(it.cannot, its);
    }
  }
  const said = [...reasons].map(([reason, its]) =>
    `  not offered in ${its.join(", ")}: ${reason}`
  );
  return [`${driver}: ${[version, `run of ${at}`].filter(Boolean).join(", ")}`]
    .concat(said);
}
