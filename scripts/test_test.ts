import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ROOT } from "./support.ts";
import { BUDGET_S, type Suite } from "./stages.ts";
import { argumentFault, budgetOf, runSuite, Stages } from "./test.ts";

/** A suite of all files that it is given. */
const PROBE: Suite = {
  kind: "suite",
  name: "probe",
  from: "ok",
  deadlineS: 600,
  owns: () => true,
  parallel: false,
  sanitized: true,
};

/** Writes test files of these texts, for as long as they are used. */
async function withFiles<T>(
  texts: readonly string[],
  use: (files: string[]) => Promise<T>,
): Promise<T> {
  await Deno.mkdir(`${ROOT}.cache`, { recursive: true });
  const folder = await Deno.makeTempDir({
    dir: `${ROOT}.cache`,
    prefix: "suite_",
  });
  try {
    const files: string[] = [];
    for (const [index, text] of texts.entries()) {
      const path = `${folder}/probe${index}_test.ts`;
      await Deno.writeTextFile(path, text);
      files.push(path.slice(ROOT.length));
    }
    return await use(files);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs test files of these texts as a suite. */
async function run(texts: readonly string[], its: Partial<Suite> = {}) {
  return await withFiles(texts, async (files) => {
    const { output: _, ...verdict } = await runSuite(
      { ...PROBE, ...its },
      files,
    );
    const faults = verdict.faults
      .map((fault) => fault.replace(/\S*probe/, "probe"));
    return { ...verdict, faults };
  });
}

const GOOD = `Deno.test("good", () => {});\n`;
const clean = {
  ...{ passed: 1, failed: 0, skipped: 0 },
  faults: [] as readonly string[],
  failures: [] as readonly string[],
};

Deno.test("runSuite() counts what passes and what fails", async () => {
  const bad = `Deno.test("bad", () => { throw new Error("no"); });\n`;
  deepStrictEqual(await run([GOOD]), clean);
  const { failures, ...counts } = await run([GOOD + bad]);
  deepStrictEqual({ ...counts, failures: [] }, { ...clean, failed: 1 });
  match(failures.join("\n"), /probe0_test\.ts: bad\n {2}Error: no\n/);
});

Deno.test("runSuite() fails a suite that ends before it reports", async () => {
  const verdict = await run([GOOD, `${GOOD}Deno.exit(0);\n`]);
  match(verdict.faults.join("\n"), /probe1_test.ts ran no test/);
});

Deno.test("runSuite() fails a test that ends the process", async () => {
  const verdict = await run([`Deno.test("exit", () => Deno.exit(0));\n`]);
  strictEqual(verdict.failed + verdict.faults.length > 0, true);
});

Deno.test("runSuite() fails what does not compile or load", async () => {
  const verdict = await run([GOOD, `import "./nowhere.ts";\n${GOOD}`]);
  match(verdict.faults.join("\n"), /probe1_test.ts ran no test/);
});

Deno.test("runSuite() ends a test that hangs, at the deadline", async () => {
  const text =
    `Deno.test("hang", () => new Promise((done) => setTimeout(done, 1e9)));\n`;
  const verdict = await run([text], { deadlineS: 3 });
  match(verdict.faults.join("\n"), /the deadline has passed/);
});

Deno.test("runSuite() fails a file without tests", async () => {
  const verdict = await run([GOOD, "export const nothing = 1;\n"]);
  deepStrictEqual(verdict.faults, ["probe1_test.ts ran no test"]);
});

Deno.test("runSuite() fails a suite without files, unless it is the long one", async () => {
  deepStrictEqual((await run([])).faults, ["there are no test files"]);
  deepStrictEqual((await run([], { from: "long" })).faults, []);
});

Deno.test("runSuite() fails a test that leaks", async () => {
  const leak = `Deno.test("leak", () => { setInterval(() => {}, 1000); });\n`;
  strictEqual((await run([leak])).failed, 1);
});

Deno.test("runSuite() fails a skip that nobody expected", async () => {
  const skip = `Deno.test.ignore("skipped", () => {});\n`;
  const verdict = await run([GOOD + skip]);
  deepStrictEqual(verdict.faults, ["probe0_test.ts: skipped: skipped"]);
});

Deno.test("a stage that stands beside another begins with it, and is told in its own place", async () => {
  // The first can only end once the second, which comes later, has begun.
  const second = `Deno.test("begins", () => Deno.writeTextFile(
    new URL("begun", import.meta.url), ""));\n`;
  const first = `Deno.test("waits", async () => {
    const seen = () => Deno.stat(new URL("begun", import.meta.url)).then(
      () => true, () => false);
    while (!await seen()) await new Promise((next) => setTimeout(next, 20));
  });\n`;
  await withFiles([first, second], async (files) => {
    const stages = files.map((file, index): Suite => ({
      ...PROBE,
      name: `probe${index}`,
      deadlineS: 30,
      owns: (its) => its === file,
      ...(index === 1 ? { beside: "probe0" } : {}),
    }));
    const all = new Stages(stages, files, performance.now() + 60_000);
    for (const stage of stages) {
      const { output: _, ...verdict } = (await all.run(stage)).outcome;
      deepStrictEqual(verdict, clean);
    }
  });
});

Deno.test("argumentFault() names the stages to one who asks for another", () => {
  strictEqual(argumentFault(["--long", "unit", "conformance on qemu"]), null);
  match(argumentFault(["unti"]) ?? "", /no stage "unti".*unit/);
  match(argumentFault(["--fast"]) ?? "", /no stage "--fast"/);
});

Deno.test("budgetOf() is what a run may take, or what the caller has left", () => {
  strictEqual(budgetOf("test", 1000, undefined), BUDGET_S.test);
  strictEqual(budgetOf("test", 1000, "1600"), 600);
  strictEqual(budgetOf("test", 1000, "90000"), BUDGET_S.test);
});
