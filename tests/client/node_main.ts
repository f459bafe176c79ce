/**
 * Runs the cases under Node, against the site that its arguments name, and
 * prints a line of JSON for each.
 *
 * @module
 */
import process from "node:process";
import { CASES } from "./suite.ts";
import type { SuiteSite } from "./suite_site.ts";

const [, , facts = "{}", wishes = ""] = process.argv;

/** Has a wish fulfilled by who started this. */
async function wish(name: string): Promise<void> {
  const response = await fetch(`${wishes}${name}`, { method: "POST" });
  if (!response.ok) throw new Error(`${name} failed: ${response.status}`);
}

const site: SuiteSite = {
  ...JSON.parse(facts),
  crash: () => wish("crash"),
  cut: () => wish("cut"),
};

for (const [name, run] of Object.entries(CASES)) {
  let error: string | null = null;
  try {
    await run(site);
  } catch (thrown) {
    error = thrown instanceof Error ? `${thrown.stack}` : String(thrown);
  }
  process.stdout.write(`${JSON.stringify({ name, error })}\n`);
}
