/**
 * The reference of events is the catalogue's, and names every event.
 */
import { ok, strictEqual } from "node:assert/strict";
import { EVENT_PAGE, eventPage } from "../../scripts/event_docs.ts";
import { EVENTS } from "../../src/schema/event.ts";
import { readRepository } from "../support/repository.ts";

Deno.test("docs/events.md is what scripts/event_docs.ts makes", async () => {
  const page = eventPage();
  strictEqual(
    await readRepository(EVENT_PAGE),
    page,
    "run scripts/deno run -A scripts/event_docs.ts",
  );
  for (const event of Object.keys(EVENTS)) {
    ok(page.includes(`### ${event}\n`), event);
  }
});
