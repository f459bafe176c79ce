/**
 * The page of who may do what is the table of routes.
 */
import { ok, strictEqual } from "node:assert/strict";
import { ACCESS_PAGE, accessPage } from "../../scripts/access_docs.ts";
import { ROUTES } from "../../src/schema/route.ts";
import { readRepository } from "../support/repository.ts";

Deno.test("docs/access.md is what scripts/access_docs.ts makes", async () => {
  const page = accessPage();
  strictEqual(
    await readRepository(ACCESS_PAGE),
    page,
    "run scripts/deno run -A scripts/access_docs.ts",
  );
  for (const { method, path } of Object.values(ROUTES)) {
    ok(page.includes(`| \`${method} ${path}\` |`), path);
  }
});
