/**
 * The client library under Deno and, built as a package, under Node: the same
 * cases against the same site.
 */
import { CA_B } from "../support/certificates.ts";
import { LibrarySite } from "../support/library_site.ts";
import { CASES } from "./suite.ts";

Deno.test("the client library, under Deno", async (test) => {
  await using site = await LibrarySite.start(CA_B);
  for (const [name, run] of Object.entries(CASES)) {
    await test.step(name, () => run(site));
  }
});
