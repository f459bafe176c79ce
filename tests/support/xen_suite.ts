/**
 * The suite that holds drivers to their promises, as a program that runs in a
 * dom0: `xen_suite.js REGEXP` runs the tests whose titles match, and says of each
 * in a line of JSON what came of it, then of all.
 *
 * It is bundled into one file, since a dom0 has nothing but Xen.
 *
 * @module
 */
import type { Column } from "../conformance/driver/matrix.ts";
import {
  type Cannot,
  runSuite,
  type TestEnd,
} from "../conformance/driver/suite.ts";
import { die, DYING, LabXenNode } from "./lab_xen_node.ts";
import { type Figure, measure } from "./xen_figures.ts";

/** In place of titles: the figures are measured. */
export const FIGURES = "--figures";

/** A line that the program says. */
export type Said =
  | { readonly end: TestEnd }
  | { readonly column: Column }
  | { readonly figure: Figure };

/** What Xen cannot have, or one host alone, and why. */
const CANNOT: Cannot = {
  freeze: "Xen has no process for a domain",
  migration: "another dom0 is another host; the lab's moves prove it",
  adoption: "the xen driver leaves to others what is theirs",
};

/** However slow the machine. */
const TEST_MS = 400_000;

function say(line: Said): void {
  console.log(JSON.stringify(line));
}

async function main([word = "", plan = ""]: readonly string[]): Promise<void> {
  if (word === DYING) return await die(plan);
  if (word === FIGURES) {
    await using node = await LabXenNode.open();
    for (const figure of await measure(node)) say({ figure });
    return;
  }
  const column = await runSuite({
    driver: "xen",
    open: () => LabXenNode.open(),
    cannot: CANNOT,
    only: new RegExp(word),
    deadlineMs: TEST_MS,
    tell: (end) => say({ end }),
  });
  say({ column });
}

if (import.meta.main) {
  await main(Deno.args);
  console.log("end");
  Deno.exit(0);
}
