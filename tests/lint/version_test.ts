/**
 * What is said twice must be said alike.
 */
import { strictEqual } from "node:assert/strict";
import { VERSION } from "../../src/version.ts";
import { readRepository } from "../support/repository.ts";

Deno.test("src/version.ts and deno.json name one version", async () => {
  const { version } = JSON.parse(await readRepository("deno.json"));
  strictEqual(VERSION, version);
});
