/**
 * The OpenAPI document is one that others can make clients of: it is valid,
 * and a client in another language, made from it, logs in, starts VMs, lists
 * them and is told its mistakes.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import SwaggerParser from "@apidevtools/swagger-parser";
import { openapi } from "../../src/schema/openapi.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TestSite } from "../support/site.ts";

for (const version of ["3.0", "3.1"] as const) {
  Deno.test(`the OpenAPI ${version} document is valid`, async () => {
    const document = JSON.parse(JSON.stringify(openapi("1.2.3", version)));
    await SwaggerParser.validate(document);
  });
}

Deno.test("a client in Perl, made from the document, does what clients do", async () => {
  await using site = await TestSite.start({ nodes: 2 });
  const folder = site.site.cliConfig.replace(/[^/]*$/, "");
  const password = await Deno.readTextFile(`${folder}admin-password`);
  const { success, stdout, stderr } = await new Deno.Command("perl", {
    args: [
      `${REPOSITORY}tests/client/generated_client.pl`,
      ...[site.site.url, `${folder}ca.pem`, "admin", password.trim()],
    ],
    stdin: "null",
  }).output();
  strictEqual(success, true, new TextDecoder().decode(stderr));
  const { misspelt, ...did } = JSON.parse(new TextDecoder().decode(stdout));
  deepStrictEqual(did, {
    whoami: "admin",
    outcomes: ["succeeded", "succeeded"],
    vms: ["perl-1.default.admin", "perl-2.default.admin"],
    nobody: "not_found",
  });
  // What is against the document does not even leave the client.
  ok(JSON.stringify(misspelt).includes("verb"), JSON.stringify(misspelt));
});
