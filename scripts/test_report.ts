/**
 * Reads what a test run left behind, and judges it.
 *
 * Deno's JUnit file has every test and step, but names the file that defines a
 * test, which for a shared suite is not the one that was run; and a file that
 * fell over before its first test is not in it at all. So which files ran is
 * read from what is printed, and a file that ran no test is a failure.
 *
 * @module
 */

/** How a test ended. */
export interface TestCase {
  /** Where it is defined: a shared suite, or the file that was run. */
  readonly file: string;
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Of one that failed: what it said. */
  readonly why?: string;
}

/** A skip that is known, with its reason. A `*` ends a name's beginning. */
export interface ExpectedSkip {
  readonly file: string;
  readonly name: string;
  readonly reason: string;
}

/** What came of a suite. */
export interface Verdict {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What else is wrong, for people; each counts as one failure. */
  readonly faults: readonly string[];
  /** The tests that failed, and the beginning of why; for people. */
  readonly failures: readonly string[];
}

/** The test cases in a JUnit file as Deno writes it. */
export function parseJUnit(xml: string): TestCase[] {
  const pattern = /<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;
  return [...xml.matchAll(pattern)].map(([, attributes = "", body = ""]) => ({
    file: attribute(attributes, "classname").replace(/^\.\//, ""),
    name: attribute(attributes, "name"),
    outcome: outcomeOf(body),
    ...whyOf(body),
  }));
}

function whyOf(body: string): Pick<TestCase, "why"> {
  const [, text] = /<(?:failure|error)\b[^>]*>([^<]*)/.exec(body) ?? [];
  return text === undefined ? {} : { why: plain(text).trim() };
}

function outcomeOf(body: string): TestCase["outcome"] {
  if (/<(?:failure|error)\b/.test(body)) return "failed";
  return /<skipped\b/.test(body) ? "skipped" : "passed";
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

function attribute(text: string, name: string): string {
  const [, value = ""] = new RegExp(`\\b${name}="([^"]*)"`).exec(text) ?? [];
  return plain(value);
}

function plain(text: string): string {
  return text.replace(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity);
}

/** The list of expected skips: `FILE :: NAME :: REASON` a line, `#` comments. */
export function parseExpectedSkips(text: string): ExpectedSkip[] {
  return text.split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => {
      const [file = "", name = "", reason = ""] = line.split("::")
        .map((part) => part.trim());
      if (reason === "") {
        throw new Error(`Expected skip without reason: ${line}`);
      }
      return { file, name, reason };
    });
}

/** The files that ran at least one test, by what `deno test` printed. */
export function parseRanFiles(output: string): Set<string> {
  // deno-lint-ignore no-control-regex
  const plain = output.replace(/\x1b\[[0-9;]*m/g, "");
  const pattern =
    /^(?:running [1-9]\d* tests? from (?:\.\/)?(\S+)|(?:\.\/)?(\S+_test\.ts) => )/gm;
  return new Set(
    [...plain.matchAll(pattern)].map(([, alone, beside]) =>
      alone ?? beside ?? ""
    ),
  );
}

/** What was printed, without the lines of tests that passed: of a thousand, those that did not are to be seen. */
export function withoutPassed(output: string): string {
  // deno-lint-ignore no-control-regex
  const passed = / \.\.\. (?:\x1b\[[0-9;]*m)*ok\b.*$/;
  return output.split("\n").filter((line) => !passed.test(line)).join("\n");
}

/** How much of an error is shown at the end of a run. */
const WHY_LINES = 12;

function tellFailure({ file, name, why = "" }: TestCase): string {
  const lines = why.split("\n").slice(0, WHY_LINES);
  return [`${file}: ${name}`, ...lines.map((line) => `  ${line}`)].join("\n")
    .trimEnd();
}

/** Judges the cases of a run that was to run `files` and ended with `code`. */
export function judge(
  cases: readonly TestCase[],
  { files, ran, code, expected }: {
    readonly files: readonly string[];
    /** Those that ran at least one test. */
    readonly ran: ReadonlySet<string>;
    /** The exit code; null when the deadline ended it. */
    readonly code: number | null;
    readonly expected: readonly ExpectedSkip[];
  },
): Verdict {
  const count = (outcome: TestCase["outcome"]) =>
    cases.filter((test) => test.outcome === outcome).length;
  const surprises = cases.filter((test) =>
    test.outcome === "skipped" &&
    !expected.some((skip) => files.includes(skip.file) && covers(skip, test))
  );
  const faults = [
    ...files
      .filter((file) => !ran.has(file))
      .map((file) => `${file} ran no test`),
    ...surprises.map(({ file, name }) => `${file}: skipped: ${name}`),
  ];
  if (files.length === 0) faults.push("there are no test files");
  if (code === null) faults.push("the deadline has passed");
  const failed = count("failed");
  if (code !== 0 && code !== null && failed + faults.length === 0) {
    faults.push(`deno test ended with code ${code}`);
  }
  const skipped = count("skipped") - surprises.length;
  const failures = cases.filter(({ outcome }) => outcome === "failed")
    .map(tellFailure);
  return { passed: count("passed"), failed, skipped, faults, failures };
}

function covers({ name }: ExpectedSkip, test: TestCase): boolean {
  return name.endsWith("*")
    ? test.name.startsWith(name.slice(0, -1))
    : test.name === name;
}

/** The last line of a run: `N passed, N failed`, and the skips if any. */
export function lastLine(
  { passed, failed, skipped }: {
    readonly passed: number;
    readonly failed: number;
    readonly skipped: number;
  },
): string {
  const skips = skipped === 0 ? "" : `, ${skipped} skipped`;
  return `${passed} passed, ${failed} failed${skips}`;
}
