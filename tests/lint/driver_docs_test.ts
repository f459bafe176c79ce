/**
 * The table of what drivers can do is what they report.
 */
import { ok, strictEqual } from "node:assert/strict";
import { DRIVER_PAGE, driverPage } from "../../scripts/driver_docs.ts";
import { drivers } from "../../src/driver/registry.ts";
import { LnmConfig } from "../../src/schema/config.ts";
import { DRIVER_NAMES } from "../../src/schema/known_driver.ts";
import { readRepository } from "../support/repository.ts";

Deno.test("the table of docs/drivers.md is what scripts/driver_docs.ts makes", async () => {
  const page = await readRepository(DRIVER_PAGE);
  strictEqual(
    await driverPage(page),
    page,
    "run scripts/deno run -A scripts/driver_docs.ts",
  );
  for (const name of Object.keys(drivers)) {
    ok(page.includes(`## The ${name} driver`), `${name} has no section`);
  }
});

Deno.test("every driver is one that flags and the configuration know", () => {
  const names: readonly string[] = DRIVER_NAMES;
  for (const name of Object.keys(drivers)) ok(names.includes(name), name);
  for (const name of Object.keys(LnmConfig.parse({}).drivers)) {
    ok(names.includes(name), name);
  }
});
