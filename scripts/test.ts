/**
 * Runs the checks and the tests, a stage at a time, and says what came of it.
 *
 *   deno task ok          what decides whether a change may land
 *   deno task test        all that CI runs
 *   deno task test:long   the rest too
 *   deno task test unit fault      only the stages named
 *
 * `ok` stops at the first stage that fails; the others run them all, so that
 * one run shows everything. Output is shown only of what failed. The last line
 * is `N passed, N failed`, after a table of which driver keeps which promise when
 * the conformance suite has run; a check counts as one test. All stages share one
 * budget of time: what it does not reach has failed.
 *
 * @module
 */
import { readColumns } from "../tests/conformance/driver/columns.ts";
import { renderMatrix } from "../tests/conformance/driver/matrix.ts";
import { ROOT, sourceFiles } from "./support.ts";
import {
  BUDGET_S,
  type Check,
  type Run,
  type Stage,
  STAGES,
  stagesOf,
  type Suite,
} from "./stages.ts";
import {
  judge,
  lastLine,
  parseExpectedSkips,
  parseJUnit,
  parseRanFiles,
  type Verdict,
  withoutPassed,
} from "./test_report.ts";

/** Skips that are known, each with its reason. */
const EXPECTED_SKIPS = `${ROOT}tests/support/expected_skips.txt`;

/** Deno 2.9 looks for leaks only when it is asked to. */
const SANITIZERS = ["--sanitize-ops", "--sanitize-resources", "--trace-leaks"];

interface Outcome extends Verdict {
  readonly output: string;
}

interface Ended {
  /** Null when the deadline ended it. */
  readonly code: number | null;
  readonly output: string;
}

/** Nothing ran. */
const NONE: Outcome = {
  ...{ passed: 0, failed: 0, skipped: 0, faults: [], failures: [] },
  output: "",
};

async function runStage(
  stage: Stage,
  files: readonly string[],
): Promise<Outcome> {
  return stage.kind === "check"
    ? await runCheck(stage)
    : await runSuite(stage, files.filter(stage.owns));
}

async function runCheck({ args, deadlineS }: Check): Promise<Outcome> {
  const { code, output } = await deno(args, deadlineS);
  const faults = code === null ? ["the deadline has passed"] : [];
  const failed = code === 0 || code === null ? 0 : 1;
  return { ...NONE, passed: code === 0 ? 1 : 0, failed, faults, output };
}

/** Runs the test files of a suite and judges what came of them. */
export async function runSuite(
  suite: Suite,
  files: readonly string[],
): Promise<Outcome> {
  const expected = parseExpectedSkips(await Deno.readTextFile(EXPECTED_SKIPS));
  if (files.length === 0 && suite.from === "long") {
    // Nothing takes long at the moment.
    return NONE;
  }
  if (files.length === 0) {
    const ran = new Set<string>();
    return { ...judge([], { files, ran, code: 0, expected }), output: "" };
  }
  const report = await Deno.makeTempFile({ prefix: "usher_", suffix: ".xml" });
  try {
    const { code, output } = await deno(
      [
        "test",
        "--allow-all",
        "--no-check", // the types have a stage of their own
        ...(suite.sanitized ? SANITIZERS : []),
        `--junit-path=${report}`,
        ...(suite.parallel ? ["--parallel"] : []),
        ...files,
      ],
      suite.deadlineS,
    );
    const cases = parseJUnit(await Deno.readTextFile(report));
    const ran = parseRanFiles(output);
    return { ...judge(cases, { files, ran, code, expected }), output };
  } finally {
    await Deno.remove(report);
  }
}

/**
 * Runs `deno ARGS`; at the deadline it gets SIGTERM, then SIGKILL. Its output
 * goes through a file: a grandchild that lives on cannot hold the run open.
 */
async function deno(
  args: readonly string[],
  deadlineS: number,
): Promise<Ended> {
  const path = await Deno.makeTempFile({ prefix: "usher_", suffix: ".out" });
  const child = new Deno.Command("sh", {
    args: ["-c", 'out=$1; shift; exec "$@" >"$out" 2>&1', "sh", path]
      .concat(Deno.execPath(), args),
    cwd: ROOT,
    stdin: "null",
    env: Deno.stdout.isTerminal() ? {} : { NO_COLOR: "1" },
  }).spawn();
  let late = false;
  const stop = setTimeout(() => {
    late = true;
    child.kill("SIGTERM");
  }, deadlineS * 1000);
  const kill = setTimeout(() => child.kill("SIGKILL"), (deadlineS + 5) * 1000);
  try {
    const { code } = await child.status;
    const output = await Deno.readTextFile(path);
    return { code: late ? null : code, output };
  } finally {
    clearTimeout(stop);
    clearTimeout(kill);
    await Deno.remove(path);
  }
}

/** All test files of the repository, relative to it. */
async function testFiles(): Promise<string[]> {
  const all = await sourceFiles(ROOT, ["src", "scripts", "plugins", "tests"]);
  return all.filter((file) => file.endsWith("_test.ts"));
}

function isGood({ failed, faults }: Verdict): boolean {
  return failed === 0 && faults.length === 0;
}

function show({ name }: Stage, outcome: Outcome, seconds: number): void {
  const { passed, failed, skipped, faults } = outcome;
  const counts = lastLine({ passed, failed: failed + faults.length, skipped });
  const verdict = isGood(outcome) ? "ok    " : "FAILED";
  const time = seconds.toFixed(1).padStart(6);
  console.log(`${verdict} ${name.padEnd(20)} ${time} s  ${counts}`);
}

function showFailure({ name }: Stage, { output, faults }: Outcome): void {
  console.log(`--- ${name}: output`);
  console.log(withoutPassed(output).trimEnd());
  for (const fault of faults) console.log(`${name}: ${fault}`);
  console.log(`--- ${name}: end`);
}

/**
 * Says that a stage still runs: on a terminal each second, in a line that the
 * next one overwrites; elsewhere each minute.
 */
function startTicking({ name }: Stage): Disposable {
  const isTerminal = Deno.stdout.isTerminal();
  const started = performance.now();
  const tell = () => {
    const seconds = Math.round((performance.now() - started) / 1000);
    const text = `...    ${name.padEnd(20)} ${String(seconds).padStart(6)} s`;
    if (isTerminal) write(`\r${text}`);
    else if (seconds > 0) write(`${text}\n`);
  };
  tell();
  const timer = setInterval(tell, isTerminal ? 1000 : 60_000);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      if (isTerminal) write("\r\x1b[K");
    },
  };
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

/** A stage within what is left of the budget; a failure when nothing is. */
async function runWithin(
  stage: Stage,
  files: readonly string[],
  leftS: number,
): Promise<Outcome> {
  if (leftS < 1) {
    const faults = ["not run: no time was left for it"];
    return { ...NONE, faults };
  }
  const deadlineS = Math.min(stage.deadlineS, leftS);
  return await runStage({ ...stage, deadlineS }, files);
}

/** The stages of a run, begun in their order; some of them beside others. */
export class Stages {
  readonly #stages: readonly Stage[];
  readonly #files: readonly string[];
  readonly #until: number;
  readonly #begun = new Map<Stage, Promise<Ran>>();

  /** `files` are all test files; `until` is when all must be done, as `performance.now()` tells time. */
  constructor(
    stages: readonly Stage[],
    files: readonly string[],
    until: number,
  ) {
    this.#stages = stages;
    this.#files = files;
    this.#until = until;
  }

  /** What came of a stage, and how long it took. */
  async run(stage: Stage): Promise<Ran> {
    for (const other of this.#stages) {
      if (other === stage || besideOf(other) === stage.name) this.#begin(other);
    }
    using _ticking = startTicking(stage);
    return await this.#begin(stage);
  }

  #begin(stage: Stage): Promise<Ran> {
    const ran = this.#begun.get(stage) ?? this.#time(stage);
    this.#begun.set(stage, ran);
    return ran;
  }

  async #time(stage: Stage): Promise<Ran> {
    const started = performance.now();
    const leftS = (this.#until - started) / 1000;
    const outcome = await runWithin(stage, this.#files, leftS);
    return { outcome, seconds: (performance.now() - started) / 1000 };
  }
}

/** What came of a stage. */
export interface Ran {
  readonly outcome: Outcome;
  readonly seconds: number;
}

function besideOf(stage: Stage): string | undefined {
  return stage.kind === "suite" ? stage.beside : undefined;
}

/** Seconds that a run may take, from now on. */
export function budgetOf(
  run: Run,
  nowS: number,
  until: string | undefined,
): number {
  const left = until === undefined ? Infinity : Number(until) - nowS;
  return Math.min(BUDGET_S[run], left);
}

async function runAll(run: Run, stages: readonly Stage[]): Promise<number> {
  const startedAt = Date.now();
  const until = Deno.env.get("USHER_TEST_UNTIL");
  const budgetS = budgetOf(run, Date.now() / 1000, until);
  const ending = performance.now() + budgetS * 1000;
  const all = new Stages(stages, await testFiles(), ending);
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  const said: string[] = [];
  for (const stage of stages) {
    const { outcome, seconds } = await all.run(stage);
    show(stage, outcome, seconds);
    total.passed += outcome.passed;
    total.failed += outcome.failed + outcome.faults.length;
    total.skipped += outcome.skipped;
    if (isGood(outcome)) continue;
    failures.push(stage.name);
    said.push(...outcome.failures, ...outcome.faults);
    showFailure(stage, outcome);
    if (run === "ok") break;
  }
  const columns = await readColumns(startedAt);
  if (columns.length > 0) console.log(`\n${renderMatrix(columns)}\n`);
  // Once more, at the end: of a long run that is what is read.
  for (const failure of said) console.log(`FAILED ${failure}\n`);
  if (failures.length > 0) console.log(`failed: ${failures.join(", ")}`);
  console.log(lastLine(total));
  return failures.length === 0 ? 0 : 1;
}

/** What is wrong with the arguments, for people; null when nothing is. */
export function argumentFault(args: readonly string[]): string | null {
  const names = STAGES.map(({ name }) => name);
  const wrong = args.find((arg) =>
    arg.startsWith("-")
      ? arg !== "--ok" && arg !== "--long"
      : !names.includes(arg)
  );
  if (wrong === undefined) return null;
  const listed = names.map((name) => name.includes(" ") ? `"${name}"` : name);
  return `There is no stage "${wrong}". The stages are ${listed.join(", ")}`;
}

async function main(args: readonly string[]): Promise<number> {
  const fault = argumentFault(args);
  if (fault !== null) {
    console.error(fault);
    return 64;
  }
  const run: Run = args.includes("--ok")
    ? "ok"
    : args.includes("--long")
    ? "long"
    : "test";
  const names = args.filter((arg) => !arg.startsWith("-"));
  return await runAll(run, stagesOf(run, names));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
