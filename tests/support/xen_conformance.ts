/**
 * The driver suite on real Xen: bundled, brought into a dom0 with a Deno to run
 * it, and heard from outside.
 *
 * @module
 */
import { strictEqual } from "node:assert/strict";
import { keepColumn } from "../conformance/driver/columns.ts";
import type { Column } from "../conformance/driver/matrix.ts";
import { driverTests, type TestEnd } from "../conformance/driver/suite.ts";
import { REPOSITORY } from "./repository.ts";
import { until } from "./wait.ts";
import { XEN_MS, type XenHost } from "./xen_host.ts";
import type { Figure } from "./xen_figures.ts";
import { FIGURES, type Said } from "./xen_suite.ts";

const PROGRAM = "/root/xen_suite.js";
const RUNTIME = "/root/deno";
const SAID = "/root/xen_suite.out";

/** What a dom0 needs for the suite: the files, by their paths in there. */
export async function suiteFiles(
  folder: string,
): Promise<Record<string, string>> {
  const bundle = `${folder}/xen_suite.js`;
  const entry = `${REPOSITORY}tests/support/xen_suite.ts`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", `--output=${bundle}`, entry],
    cwd: REPOSITORY,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return { [PROGRAM]: bundle, [RUNTIME]: Deno.execPath() };
}

/**
 * Runs the tests whose titles `wanted` matches; `onEnd` hears of each. Answers
 * with the driver's column, which is kept for the matrix when nothing was left out.
 */
export async function runSuite(
  host: XenHost,
  wanted: RegExp,
  onEnd: (end: TestEnd) => void | Promise<void>,
): Promise<Column> {
  let ended = 0;
  for await (const said of runProgram(host, wanted.source)) {
    if ("column" in said) {
      if (ended === driverTests.length) await keepColumn(said.column);
      return said.column;
    }
    if (!("end" in said)) continue;
    ended++;
    await onEnd(said.end);
  }
  throw new Error(await whatItSaid(host));
}

/** One test of the suite as a step of a test here, if it was run; false when it has failed. */
export async function stepOfSuite(
  t: Deno.TestContext,
  { title, came, failure }: TestEnd,
): Promise<boolean> {
  if (typeof came !== "string") return true;
  return await t.step(title, () => strictEqual(came, "kept", failure));
}

/** Measures the figures of the driver. */
export async function runFigures(host: XenHost): Promise<Figure[]> {
  const figures: Figure[] = [];
  for await (const line of runProgram(host, FIGURES)) {
    if (!("figure" in line)) continue;
    // Shown as it comes: the part may yet fail, and took half an hour.
    console.log(`figure: ${JSON.stringify(line.figure)}`);
    figures.push(line.figure);
  }
  return figures;
}

/** What the program in the dom0 says, line by line, as it does. */
async function* runProgram(
  host: XenHost,
  word: string,
): AsyncGenerator<Said> {
  await host.must(
    `setsid ${RUNTIME} run -A ${PROGRAM} '${word}' ` +
      `</dev/null >${SAID} 2>&1 & echo $! >/run/xen_suite.pid`,
  );
  for (let heard = 0;; heard++) {
    const line = await until("the suite says more", async () => {
      const { out } = await host.run(
        `dead=$(kill -0 $(cat /run/xen_suite.pid) 2>&1); ` +
          `tail -n +${heard + 1} ${SAID}; echo "$dead"`,
      );
      const [first = "", ...rest] = out.split("\n").slice(0, -1);
      // The last line tells of its death, and may be all there is.
      return rest.length > 0 || first !== "" ? first : null;
    }, { deadlineMs: XEN_MS, everyMs: 1000 });
    if (line === "end") return;
    if (!line.startsWith("{")) throw new Error(await whatItSaid(host));
    yield JSON.parse(line);
  }
}

async function whatItSaid(host: XenHost): Promise<string> {
  return `The suite failed in the dom0:\n${
    (await host.run(`tail -n 30 ${SAID}`)).out
  }`;
}
